//! S7: two threads that make spans for two seconds, as fast as they can or at a given pace. What arrives, what is lost, who
//! says so, and what it costs the whole process.

use super::rotated;
use crate::child::{Child, Kind};
use crate::clock::{most_megabytes, process_seconds, thread_seconds};
use crate::numbers::{short, whole};
use crate::peers::{Name, Peer};
use crate::process::{Answer, Missing, measure};
use crate::receiver::Receiver;
use crate::scenario::{Scenario, Work, traces};
use crate::spans::EXPORTED;
use std::fmt::Write;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

const THREADS: usize = 2;

/// Leaves of a trace.
const FEW: usize = 10;

/// A trace.
const SPANS: u64 = FEW as u64 + 1;

const DURATION: Duration = Duration::from_secs(2);

/// Spans a second and thread when paced.
const PACE: u64 = 150_000;

pub(crate) fn child<P: Peer>(rate: u64) {
    let stop = AtomicBool::new(false);
    let made = AtomicU64::new(0);
    let producers_micros = AtomicU64::new(0);
    let both = Barrier::new(THREADS + 1);
    traces::<P>(Work::Attributes, 10, FEW);
    made.fetch_add(10 * SPANS, Relaxed);
    P::flush();
    std::thread::scope(|scope| {
        let (start, processor) = (Instant::now(), process_seconds());
        for _ in 0..THREADS {
            scope.spawn(|| {
                let processor = thread_seconds();
                made.fetch_add(produce::<P>(rate, &stop), Relaxed);
                producers_micros.fetch_add(((thread_seconds() - processor) * 1e6) as u64, Relaxed);
                // Spans of a thread that ends may be treated otherwise, so it waits until all is flushed.
                both.wait();
                both.wait();
            });
        }
        std::thread::sleep(DURATION);
        stop.store(true, Relaxed);
        both.wait();
        let seconds = start.elapsed().as_secs_f64();
        // One flush of fastrace takes what fits its threads' rings.
        P::flush();
        P::flush();
        P::flush();
        println!("seconds {seconds:.6}\nprocessor {:.6}", process_seconds() - processor);
        both.wait();
    });
    if let Some(lost) = P::lost() {
        println!("lost {lost}");
    }
    println!("made {}\nexported {}", made.load(Relaxed), EXPORTED.load(Relaxed));
    println!("producers {:.6}\nmegabytes {:.1}", producers_micros.load(Relaxed) as f64 / 1e6, most_megabytes());
}

/// Makes spans until told to stop; how many.
fn produce<P: Peer>(rate: u64, stop: &AtomicBool) -> u64 {
    let mut made = 0;
    let start = Instant::now();
    while !stop.load(Relaxed) {
        if rate == 0 {
            traces::<P>(Work::Attributes, 20, FEW);
            made += 20 * SPANS;
        } else {
            let due = (start.elapsed().as_secs_f64() * rate as f64) as u64;
            while made < due {
                traces::<P>(Work::Attributes, 1, FEW);
                made += SPANS;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    made
}

/// One row of a table.
struct Run {
    name: String,
    child: Child,
    /// Whether a receiver in another process gets the spans.
    otlp: bool,
}

impl Run {
    fn new(peer: Name, name: impl Into<String>) -> Self {
        Self { name: name.into(), child: Child::new(peer, Scenario::S2), otlp: false }
    }

    fn queue(mut self, queue: usize) -> Self {
        self.child.queue = Some(queue);
        self
    }

    fn otlp(self) -> Self {
        Self { otlp: true, ..self }
    }

    fn measure(&self) -> Result<Load, Missing> {
        if !self.otlp {
            return Load::new(&measure(Kind::Load, &self.child)?);
        }
        let receiver = Receiver::start().map_err(|error| {
            eprintln!("error: no receiver: {error}");
            Missing::Failed
        })?;
        let child = Child { otlp: Some(receiver.url()), ..self.child.clone() };
        let answer = measure(Kind::Load, &child);
        let exported = receiver.end();
        Ok(Load { exported: exported?, ..Load::new(&answer?)? })
    }
}

/// What one process did.
#[derive(Clone, Copy, Debug)]
struct Load {
    seconds: f64,
    /// Of all threads, until everything was flushed.
    processor: f64,
    /// Of the threads that make spans.
    producers: f64,
    megabytes: f64,
    made: u64,
    exported: u64,
    /// What the peer says was lost.
    lost: Option<u64>,
}

impl Load {
    fn new(answer: &Answer) -> Result<Self, Missing> {
        Ok(Self {
            seconds: answer.number("seconds")?,
            processor: answer.number("processor")?,
            producers: answer.number("producers")?,
            megabytes: answer.number("megabytes")?,
            made: answer.number("made")?,
            exported: answer.number("exported")?,
            lost: answer.numbers("lost").first().copied(),
        })
    }

    fn missing(&self) -> u64 {
        self.made.saturating_sub(self.exported)
    }

    fn per_million_made(&self) -> f64 {
        self.processor * 1e6 / self.made as f64
    }

    fn row(&self) -> String {
        let exports = self.exported > 0;
        let share = 100.0 * self.missing() as f64 / self.made as f64;
        let missing = || format!("{} ({} %)", whole(self.missing()), short(share));
        let counted = |lost| if lost == self.missing() { "all of them".to_owned() } else { whole(lost) };
        [
            format!("{:.2}", self.made as f64 / self.seconds / 1e6),
            whole(self.exported),
            if exports { missing() } else { "–".to_owned() },
            if exports { self.lost.map_or_else(|| "no counter".to_owned(), counted) } else { "–".to_owned() },
            format!("{:.3}", self.per_million_made()),
            if exports { format!("{:.3}", self.processor * 1e6 / self.exported as f64) } else { "–".to_owned() },
            format!("{:.3}", self.producers * 1e6 / self.made as f64),
            format!("{:.0}", self.megabytes),
        ]
        .join(" | ")
    }
}

/// A table and what is wrong with it.
#[derive(Debug)]
pub(crate) struct Loads {
    pub(crate) text: String,
    pub(crate) problems: Vec<String>,
}

fn table(what: &str, runs: &[Run], rounds: usize) -> Loads {
    let mut found: Vec<Vec<Result<Load, Missing>>> = runs.iter().map(|_| Vec::new()).collect();
    for round in 0..rounds {
        eprintln!("{what}: round {} of {rounds}", round + 1);
        for index in rotated(runs.len(), round) {
            found[index].push(runs[index].measure());
        }
    }
    let mut text = format!(
        "| {what} | M spans/s made | exported | missing | counted by the peer | CPU s per M made | CPU s per M exported | of \
         it in the callers, per M made | most MB |\n|-|-|-|-|-|-|-|-|-|\n"
    );
    let mut problems = Vec::new();
    for (run, found) in runs.iter().zip(found) {
        let mut loads: Vec<Load> = Vec::new();
        for result in found {
            match result {
                Ok(load) => loads.push(load),
                Err(Missing::Failed) => problems.push(format!("{what}, {}: a measurement failed", run.name)),
                Err(Missing::Unavailable) => {}
            }
        }
        for load in &loads {
            if let Some(lost) = load.lost.filter(|lost| *lost != load.missing()) {
                problems.push(format!("{what}, {}: {} spans are missing, {lost} counted", run.name, load.missing()));
            }
        }
        // One run, so that its columns belong together: the one in the middle.
        loads.sort_by(|a, b| a.per_million_made().total_cmp(&b.per_million_made()));
        let row = loads.get(loads.len() / 2).map_or_else(|| "n/a |".repeat(8), Load::row);
        let _ = writeln!(text, "| {} | {row} |", run.name);
    }
    Loads { text, problems }
}

/// As fast as possible, into an exporter that counts.
pub(crate) fn flat_out(peers: &[Name], rounds: usize) -> Loads {
    let mut runs = Vec::new();
    for &peer in peers {
        let name = match peer {
            #[cfg(feature = "peers")]
            Name::Fastrace => format!("{peer} ⁴"),
            _ => peer.to_string(),
        };
        let queue = match peer {
            Name::Sdk => Some((1_000_000, "1 000 000")),
            Name::Lazy => Some((500_000, "500 000")),
            _ => None,
        };
        runs.push(Run::new(peer, name));
        runs.extend(queue.map(|(queue, text)| Run::new(peer, format!("{peer}, queue of {text}")).queue(queue)));
    }
    table("2 threads flat out", &runs, rounds)
}

/// At a pace, by OTLP to a receiver in another process.
pub(crate) fn paced(peers: &[Name], rounds: usize) -> Loads {
    let mut runs = vec![Run::new(Name::Bare, "the pacing alone")];
    for &peer in peers {
        if peer.exports_otlp() {
            runs.push(Run::new(peer, peer.title()).otlp());
        } else {
            runs.push(Run::new(peer, format!("{peer}, not encoded ³")));
        }
        if matches!(peer, Name::Sdk | Name::Lazy) {
            runs.push(Run::new(peer, format!("{peer}, queue of 100 000")).queue(100_000).otlp());
        }
    }
    for run in &mut runs {
        run.child.rate = PACE;
    }
    table("2 × 150 000 spans/s", &runs, rounds)
}
