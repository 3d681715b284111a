//! Instructions, counted by valgrind's callgrind, so that they do not depend on who else uses the machine.

use crate::child::{Child, How, Kind, Tail};
use crate::polls;
use crate::process::this;
use crate::stretch::{MARK, PARTS};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// What is said where valgrind is missing.
pub(crate) const NO_VALGRIND: &str = "skipped: valgrind is not installed (Debian: apt install valgrind)";

/// Whether valgrind is there.
pub(crate) fn is_here() -> bool {
    let output = Command::new("valgrind").arg("--version").stdin(Stdio::null()).output();
    output.is_ok_and(|output| output.status.success())
}

/// Instructions a unit of one stretch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Cost {
    /// Of the thread that does the work, until the work is done.
    pub(crate) caller: f64,
    /// Of all threads, until everything is flushed. 0 for decisions where a trace begins, which are no other thread's matter.
    pub(crate) process: f64,
}

/// The costs of all stretches, by their names.
#[derive(Debug, Default)]
pub(crate) struct Costs(BTreeMap<(Kind, Tail), BTreeMap<String, Cost>>);

impl Costs {
    pub(crate) fn of(&self, kind: Kind, tail: Tail, name: &str) -> Result<Cost, String> {
        let found = self.0.get(&(kind, tail)).and_then(|all| all.get(name));
        found.copied().ok_or_else(|| format!("nothing was counted for {kind:?}, {tail:?}, {name}"))
    }
}

/// Which threads are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Threads {
    First,
    All,
}

/// Counts everything there is, two children at a time: a count does not depend on what runs beside it. `url` is of a receiver.
pub(crate) fn count(url: &str) -> Result<Costs, String> {
    let mut jobs = vec![(Kind::Head, Tail::Off, Threads::First)];
    for tail in Tail::ALL {
        for kind in [Kind::Tail, Kind::Polls] {
            if kind == Kind::Polls && !polls::TAILS.contains(&tail) {
                continue;
            }
            // How many requests the spans go out in depends on who was faster, so the cheaper of two runs counts.
            let times = if kind == Kind::Tail { 2 } else { 1 };
            jobs.extend([(kind, tail, Threads::All)].repeat(times));
            jobs.push((kind, tail, Threads::First));
        }
    }
    let next = AtomicUsize::new(0);
    let costs = Mutex::new(Ok(Costs::default()));
    let work = || {
        while let Some(&(kind, tail, threads)) = jobs.get(next.fetch_add(1, Relaxed)) {
            let child = Child::new(kind, tail, How::Count);
            // What encoding and sending cost is no matter of a decision that comes before.
            let child = if kind == Kind::Tail { child.with_otlp(url.to_owned()) } else { child };
            let counted = one(&child, threads);
            let mut costs = costs.lock().expect("counting does not panic");
            match (&mut *costs, counted) {
                (Ok(Costs(costs)), Ok(counted)) => {
                    for (name, count) in counted {
                        let cost = costs.entry((kind, tail)).or_default().entry(name).or_default();
                        match threads {
                            Threads::First => cost.caller = count,
                            Threads::All if cost.process > 0.0 => cost.process = cost.process.min(count),
                            Threads::All => cost.process = count,
                        }
                    }
                }
                (Ok(_), Err(error)) => *costs = Err(error),
                (Err(_), _) => {}
            }
        }
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from).clamp(1, 4);
    std::thread::scope(|scope| (0..workers).for_each(|_| _ = scope.spawn(work)));
    costs.into_inner().expect("counting does not panic")
}

/// A directory that goes with what is in it.
struct Directory(PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        // Left behind it would do no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The counts of a child's stretches by their names.
fn one(child: &Child, threads: Threads) -> Result<BTreeMap<String, f64>, String> {
    static RUN: AtomicUsize = AtomicUsize::new(0);
    let error = |error: std::io::Error| error.to_string();
    let name = format!("otelier-sampling-{}-{}", std::process::id(), RUN.fetch_add(1, Relaxed));
    let directory = Directory(std::env::temp_dir().join(name));
    std::fs::create_dir_all(&directory.0).map_err(error)?;
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", &format!("--dump-before={MARK}")]);
    // Then a mark is only of the thread that makes it; without, of all.
    command.args((threads == Threads::First).then_some("--separate-threads=yes"));
    command.arg(format!("--callgrind-out-file={}", directory.0.join("out").display()));
    command.arg(this().map_err(error)?).args(child.arguments());
    let said = child.output_of(&mut command)?;
    let parts = parts(&directory.0).map_err(error)?;
    let counts = said.lines().filter_map(|line| line.strip_prefix("stretch ")).enumerate().map(|(number, line)| {
        let (units, name) = line.split_once(' ').unwrap_or_default();
        let units: f64 = units.parse().map_err(|_| format!("`{line}` is no stretch"))?;
        // The first part is what came before the work.
        let part = |part: usize| parts.get(&(number * PARTS + part)).copied().unwrap_or_default();
        let count = match threads {
            Threads::First => part(2),
            Threads::All => part(2) + part(3),
        };
        Ok((name.to_owned(), count as f64 / units))
    });
    counts.collect()
}

/// What was counted in each part, of which the first has the number 1.
fn parts(directory: &Path) -> std::io::Result<BTreeMap<usize, u64>> {
    let mut parts = BTreeMap::new();
    for entry in std::fs::read_dir(directory)? {
        let text = std::fs::read_to_string(entry?.path())?;
        let number = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.trim().parse::<u64>().ok());
        // Other threads write theirs at the end, in a part behind the last.
        if let (Some(part), Some(total), None | Some(1)) = (number("part:"), number("totals:"), number("thread:")) {
            parts.insert(part as usize, total);
        }
    }
    Ok(parts)
}
