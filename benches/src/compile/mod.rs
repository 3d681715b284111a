//! What an annotated function costs the compiler, beside `#[tracing::instrument]` with the same fields.
//!
//! The figure is a slope: processor time of cargo and its children for a crate with many functions, less that for the same
//! crate with one, so that starting cargo and loading dependencies do not count. Of several runs the least is taken.

mod source;
mod workspace;

use crate::measure::rotated;
use source::{Package, Peer, Shape};
use std::fmt::Write;
use workspace::{Step, Workspace};

/// What otelier should cost at most, and may, as shares of what tracing costs.
///
/// Aims that are not reached, and why: `docs/build-cost.md`. The gate holds what is reached, with room for noise.
const LIMITS: [(Step, Shape, f64, f64); 4] = [
    (Step::Check, Shape::Sync, 0.25, 0.4),
    (Step::Build, Shape::Sync, 0.35, 0.45),
    (Step::Check, Shape::Async, 0.5, 0.65),
    (Step::Build, Shape::Async, 0.5, 0.7),
];

const GATE_FUNCTIONS: usize = 200;
const GATE_ROUNDS: usize = 3;
/// What else the machine does makes a run dearer and never cheaper, so what is past its limit is run again, so often.
const GATE_REPEATS: usize = 4;

/// Processor seconds: the least of all runs.
#[derive(Clone, Copy, Debug)]
struct Cell {
    package: Package,
    step: Step,
    one: f64,
    all: f64,
}

impl Cell {
    fn new(&(package, step): &(Package, Step)) -> Self {
        Self { package, step, one: f64::INFINITY, all: f64::INFINITY }
    }

    fn microseconds(&self, functions: usize) -> f64 {
        (self.all - self.one) / functions as f64 * 1e6
    }
}

fn prepare() -> Result<Workspace, String> {
    Workspace::prepare(&Package::all().collect::<Vec<_>>())
}

/// Runs each so often.
fn measure(workspace: &Workspace, cells: &mut [Cell], functions: usize, rounds: usize) -> Result<(), String> {
    for round in 0..rounds {
        for at in rotated(cells.len(), round) {
            let cell = &mut cells[at];
            cell.one = cell.one.min(workspace.seconds(cell.package, 1, cell.step)?);
            cell.all = cell.all.min(workspace.seconds(cell.package, functions + 1, cell.step)?);
        }
    }
    Ok(())
}

/// Everything side by side.
pub(crate) fn table(functions: usize, rounds: usize) -> Result<String, String> {
    let wanted: Vec<(Package, Step)> =
        Package::all().flat_map(|package| Step::ALL.map(|step| (package, step))).collect();
    let mut cells: Vec<Cell> = wanted.iter().map(Cell::new).collect();
    measure(&prepare()?, &mut cells, functions, rounds)?;
    let of = |peer, shape, step| {
        let at = wanted.iter().position(|&known| known == (Package { peer, shape }, step));
        at.map_or(f64::NAN, |at| cells[at].microseconds(functions))
    };
    let heads: String = Shape::ALL.map(|shape| format!(" {0}: check | build |", shape.words())).concat();
    let mut text = format!("| µs of processor time a function |{heads}\n|-|{}\n", "-|".repeat(Shape::ALL.len() * 2));
    let columns: Vec<(Shape, Step)> =
        Shape::ALL.into_iter().flat_map(|shape| Step::ALL.map(|step| (shape, step))).collect();
    for peer in Peer::ALL {
        let cells: String = columns.iter().map(|&(shape, step)| format!(" {:.0} |", of(peer, shape, step))).collect();
        let _ = writeln!(text, "| {} |{cells}", peer.words());
    }
    let share = |ours: f64, theirs: f64| format!(" {:.2} |", ours / theirs);
    let ratios: String = columns
        .iter()
        .map(|&(shape, step)| share(of(Peer::Otelier, shape, step), of(Peer::Tracing, shape, step)))
        .collect();
    let added: String = columns
        .iter()
        .map(|&(shape, step)| {
            let plain = of(Peer::Plain, shape, step);
            share(of(Peer::Otelier, shape, step) - plain, of(Peer::Tracing, shape, step) - plain)
        })
        .collect();
    let aims: String = columns
        .iter()
        .map(|&(shape, step)| aim(shape, step).map_or(" – |".to_owned(), |aim| format!(" ≤ {aim} |")))
        .collect();
    let _ = writeln!(text, "| otelier as a share of tracing |{ratios}\n| the aim |{aims}");
    let _ = writeln!(text, "| the share without the function itself |{added}");
    let _ = writeln!(
        text,
        "\n{functions} functions with three attributes (a fourth that is late; `err` for tracing with `Result`), the least of {rounds} runs, less a crate with one function; \
         development profile, `CARGO_INCREMENTAL=0`."
    );
    Ok(text)
}

fn aim(shape: Shape, step: Step) -> Option<f64> {
    LIMITS.iter().find(|limit| (limit.0, limit.1) == (step, shape)).map(|limit| limit.2)
}

/// Measures and prints; whether all limits are kept.
pub(crate) fn gate() -> Result<bool, String> {
    let workspace = prepare()?;
    println!("| µs of processor time a function | otelier | tracing | share | aim | limit | |\n|-|-|-|-|-|-|-|");
    let mut kept = true;
    for (step, shape, aim, limit) in LIMITS {
        let mut pair = [Peer::Otelier, Peer::Tracing].map(|peer| Cell::new(&(Package { peer, shape }, step)));
        let mut share = f64::INFINITY;
        for _ in 0..=GATE_REPEATS {
            measure(&workspace, &mut pair, GATE_FUNCTIONS, GATE_ROUNDS)?;
            let [ours, theirs] = pair.map(|cell| cell.microseconds(GATE_FUNCTIONS));
            share = ours / theirs;
            if share <= limit {
                break;
            }
        }
        let within = share <= limit;
        kept &= within;
        println!(
            "| `cargo {}`, {} | {:.0} | {:.0} | {share:.2} | ≤ {aim} | ≤ {limit} | {} |",
            step.word(),
            shape.words(),
            pair[0].microseconds(GATE_FUNCTIONS),
            pair[1].microseconds(GATE_FUNCTIONS),
            if within { "ok" } else { "**past**" }
        );
    }
    if kept {
        println!("\nAn annotation costs the compiler no more than its limits.");
    } else {
        println!("\nAn annotation costs the compiler more than its limit.");
    }
    Ok(kept)
}
