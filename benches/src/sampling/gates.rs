//! Limits that a change must not pass: instructions and memory, which do not depend on the machine's load.

use crate::callgrind::{self, Costs, NO_VALGRIND};
use crate::child::{Child, How, Kind, Tail};
use crate::head::{self, Decided};
use crate::numbers::whole;
use crate::process::Answer;
use crate::receiver::Receiver;
use crate::{memory, polls, tail};

/// Instructions that take a nanosecond, by the leaves of docs/performance.md: 200 in 31 ns, 320 in 43 ns.
const A_NANOSECOND: f64 = 6.5;

/// A decision by ten rules over one comparison, for each local root: 15 ns, and a tenth for what learning the call sites costs once.
const DECISION: f64 = 15.0 * A_NANOSECOND * 1.1;

/// The same by ten rules of which three look at the two attributes, of a trace that is refused and of one that is kept: what it takes
/// today, and a tenth. 15 ns is what is wanted; `docs/sampling-cost.md` says where the rest goes.
const BY_ATTRIBUTES: [f64; 2] = [920.0, 760.0];

/// A poll of a trace that is held back over one that is not: 25 ns.
const POLL: f64 = 25.0 * A_NANOSECOND;

/// What recording, encoding and sending costs of a trace of so many spans that is kept by its end, over one that is not held back.
/// What is wanted is 1.1, and `docs/sampling-cost.md` says where the rest goes. A trace of one span has only a figure.
fn kept(spans: usize) -> Option<f64> {
    match spans {
        ..10 => None,
        10..50 => Some(1.17),
        50.. => Some(1.1),
    }
}

/// The same of one that is dropped.
const DROPPED: f64 = 1.0;

/// Bytes of an open trace with one span that has ended, over one that is not held back.
const OPEN: f64 = 1024.0;

/// A value and its limit.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) value: f64,
    /// `None`: shown, without a limit.
    pub(crate) limit: Option<f64>,
    digits: usize,
}

impl Row {
    fn new(what: String, value: f64, limit: impl Into<Option<f64>>) -> Self {
        Self { what, value, limit: limit.into(), digits: 0 }
    }

    fn is_kept(&self) -> bool {
        self.limit.is_none_or(|limit| self.value <= limit)
    }

    fn print(&self) {
        let Self { what, value, limit, digits } = self;
        let Some(limit) = limit else { return println!("| {what} | {value:.digits$} | – | |") };
        let verdict = if self.is_kept() { "ok" } else { "**past**" };
        println!("| {what} | {value:.digits$} | ≤ {limit:.digits$} | {verdict} |");
    }
}

/// Measures and prints; whether all limits are kept.
pub(crate) fn run() -> Result<bool, String> {
    let mut rows = Vec::new();
    if callgrind::is_here() {
        let receiver = Receiver::start().map_err(|error| error.to_string())?;
        let costs = callgrind::count(&receiver.url());
        receiver.end().map_err(|_| "the receiver has failed".to_owned())?;
        rows = self::rows(&costs?)?;
    } else {
        println!("instructions: {NO_VALGRIND}\n");
    }
    let open = bytes(Tail::Kept)?.open - bytes(Tail::Off)?.open;
    let what = format!("bytes of an open trace that is held back, of {}", whole(memory::TRACES as u64));
    rows.push(Row::new(what, open / memory::TRACES as f64, OPEN));
    Ok(print(&rows))
}

pub(crate) fn print(rows: &[Row]) -> bool {
    println!("| gate | value | limit | |\n|-|-|-|-|");
    rows.iter().for_each(Row::print);
    let kept = rows.iter().all(Row::is_kept);
    println!("\n{}", if kept { "Every value is within its limit." } else { "A value is past its limit." });
    kept
}

/// What there are limits for.
pub(crate) fn rows(costs: &Costs) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    for keeps in [false, true] {
        let cost = |decided| Ok::<_, String>(costs.of(Kind::Head, Tail::Off, &head::name(decided, keeps, 1))?.caller);
        let kept = if keeps { "kept" } else { "refused" };
        for over in [Decided::Word, Decided::Told] {
            for decided in Decided::RULES {
                let more = cost(decided)? - cost(over)?;
                let what = format!("instructions of a local root over {}, {kept}: {}", over.words(), decided.words());
                // What is kept is told in `tracestate`.
                let is_limited = over == Decided::Told || !keeps;
                let limit = if decided == Decided::Last { BY_ATTRIBUTES[usize::from(keeps)] } else { DECISION };
                rows.push(Row::new(what, more, is_limited.then_some(limit)));
            }
        }
    }
    for spans in tail::SIZES {
        let cost = |tail| Ok::<_, String>(costs.of(Kind::Tail, tail, &tail::name(spans))?.process);
        for tail in Tail::ALL.into_iter().skip(1).filter(|tail| tail.has(spans)) {
            let share = cost(tail)? / cost(Tail::Off)?;
            let limit = match tail {
                Tail::Dropped => Some(DROPPED),
                _ => kept(spans),
            };
            let what = format!("share of plain recording, whole process, traces of {spans}: {}", tail.words());
            rows.push(Row { digits: 2, ..Row::new(what, share, limit) });
        }
    }
    for name in [polls::TASKS, polls::THREADS] {
        let cost = |tail| costs.of(Kind::Polls, tail, name);
        for tail in polls::TAILS.into_iter().skip(1) {
            let what = format!("instructions of a poll over plain recording, {name}: {}", tail.words());
            rows.push(Row::new(what, cost(tail)?.caller - cost(Tail::Off)?.caller, POLL));
        }
    }
    Ok(rows)
}

/// The memory that open traces take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bytes {
    pub(crate) open: f64,
    /// What is left when all have ended.
    pub(crate) ended: f64,
}

pub(crate) fn bytes(tail: Tail) -> Result<Bytes, String> {
    let answer = Answer::new(Child::new(Kind::Memory, tail, How::Time).output()?);
    let number = |key| answer.number::<f64>(key).map_err(|_| format!("no `{key}` of open traces"));
    Ok(Bytes { open: number("open")?, ended: number("ended")? })
}
