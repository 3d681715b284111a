//! An application in a process of its own that makes spans at a pace, and says what it has handed over.

use crate::answer::{Answer, this};
use crate::clock::{most_megabytes, nanos_per_tick, ticks};
use clap::Args;
use otelier::config::{DiskBuffer, Otlp};
use otelier::prelude::*;
use otelier::{Guard, Stats};
use std::hint::black_box;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Threads that make spans; the one at index `n` makes the numbers `first + n`, `first + n + 2` and so on.
pub(crate) const THREADS: usize = 2;

/// How often it is said what was handed over.
const SAID: Duration = Duration::from_millis(250);

#[derive(Args, Clone, Debug)]
#[group(skip)]
pub(crate) struct Arguments {
    /// The receiver's base URL.
    #[arg(long)]
    pub(crate) url: String,
    /// Spans a second, of all threads.
    #[arg(long)]
    pub(crate) rate: u64,
    /// The number of the first span.
    #[arg(long, default_value_t = 0)]
    pub(crate) first: u64,
    /// The directory of the disk buffer; with one, it is said what was handed over.
    #[arg(long)]
    pub(crate) buffer: Option<PathBuf>,
    /// Whether calls are timed.
    #[arg(long)]
    pub(crate) timed: bool,
}

impl Arguments {
    fn words(&self) -> Vec<String> {
        let mut words = vec!["faults-app".to_owned(), format!("--url={}", self.url)];
        words.extend([format!("--rate={}", self.rate), format!("--first={}", self.first)]);
        words.extend(self.buffer.iter().map(|directory| format!("--buffer={}", directory.display())));
        words.extend(self.timed.then(|| "--timed".to_owned()));
        words
    }
}

/// What was said last.
#[derive(Debug, Default)]
struct Said {
    taken: [u64; THREADS],
    text: String,
}

/// An application that runs.
#[derive(Debug)]
pub(crate) struct App {
    process: Child,
    input: Option<ChildStdin>,
    said: Arc<Mutex<Said>>,
    reader: Option<JoinHandle<()>>,
    first: u64,
}

impl App {
    pub(crate) fn start(arguments: &Arguments) -> io::Result<Self> {
        let mut command = Command::new(this()?);
        let mut process = command.args(arguments.words()).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let output = process.stdout.take().ok_or_else(|| io::Error::other("no standard output"))?;
        let said = Arc::new(Mutex::new(Said::default()));
        let shared = Arc::clone(&said);
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let mut said = shared.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(numbers) = line.strip_prefix("taken ").and_then(|line| line.strip_suffix(" .")) {
                    for (taken, number) in said.taken.iter_mut().zip(numbers.split(' ')) {
                        *taken = number.parse().unwrap_or_default();
                    }
                } else {
                    said.text += &line;
                    said.text += "\n";
                }
            }
        });
        Ok(Self { input: process.stdin.take(), process, said, reader: Some(reader), first: arguments.first })
    }

    /// Ends it as `kill -9` does; the numbers it had handed over: the first of each thread, and how many.
    pub(crate) fn kill(mut self) -> io::Result<Vec<(u64, u64)>> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(self.taken())
    }

    fn taken(&mut self) -> Vec<(u64, u64)> {
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.taken.iter().enumerate().map(|(thread, count)| (self.first + thread as u64, *count)).collect()
    }

    /// Lets it end; what it says of itself, and what it handed over.
    pub(crate) fn end(mut self) -> io::Result<(Answer, Vec<(u64, u64)>)> {
        drop(self.input.take());
        let status = self.process.wait()?;
        let taken = self.taken();
        let text = std::mem::take(&mut self.said.lock().unwrap_or_else(PoisonError::into_inner).text);
        if status.success() {
            Ok((Answer::new(text), taken))
        } else {
            Err(io::Error::other(format!("it ended: {status}")))
        }
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[trace(name = "call", "app.number" = number)]
#[inline(never)]
fn call(number: i64) -> i64 {
    black_box(number)
}

/// What one thread has made.
#[derive(Debug, Default)]
struct Producer {
    made: AtomicU64,
    /// Ticks of its calls.
    calls: Mutex<Vec<u64>>,
}

impl Producer {
    fn run(&self, first: u64, rate: f64, timed: bool, stop: &AtomicBool) {
        let start = Instant::now();
        let (mut made, mut calls) = (0, Vec::with_capacity(if timed { 1 << 22 } else { 0 }));
        while !stop.load(Relaxed) {
            let due = (start.elapsed().as_secs_f64() * rate) as u64;
            while made < due {
                let number = (first + made * THREADS as u64) as i64;
                if timed && made > due / 10 && calls.len() < calls.capacity() {
                    let begin = ticks();
                    black_box(call(number));
                    calls.push(ticks() - begin);
                } else {
                    black_box(call(number));
                }
                made += 1;
            }
            self.made.store(made, Release);
            std::thread::sleep(Duration::from_millis(1));
        }
        *self.calls.lock().unwrap_or_else(PoisonError::into_inner) = calls;
    }
}

fn settings(arguments: &Arguments) -> Telemetry {
    let telemetry = Telemetry::default().with_otlp(Otlp::to(&arguments.url));
    match &arguments.buffer {
        Some(directory) => telemetry.with_disk_buffer(DiskBuffer::in_directory(directory)),
        None => telemetry,
    }
}

/// Spans that will not arrive.
fn lost(stats: &Stats) -> u64 {
    let exporters = stats.exporters.iter();
    stats.dropped() + exporters.map(|exporter| exporter.failed + exporter.rejected).sum::<u64>()
}

/// The application's side: until standard input ends.
pub(crate) fn run(arguments: &Arguments) -> Result<(), String> {
    let telemetry = otelier::init(settings(arguments)).map_err(|error| error.to_string())?;
    let stop = AtomicBool::new(false);
    let producers: [Producer; THREADS] = Default::default();
    std::thread::scope(|scope| {
        for (thread, producer) in producers.iter().enumerate() {
            let (first, rate) = (arguments.first + thread as u64, arguments.rate as f64 / THREADS as f64);
            let stop = &stop;
            scope.spawn(move || producer.run(first, rate, arguments.timed, stop));
        }
        if arguments.buffer.is_some() {
            scope.spawn(|| say(&telemetry, &producers, &stop));
        }
        let _ = io::stdin().read_to_end(&mut Vec::new());
        stop.store(true, Relaxed);
    });
    let begin = Instant::now();
    let stats = match telemetry.shutdown() {
        Ok(stats) => stats,
        Err(error) => return Err(format!("the shutdown: {error}")),
    };
    println!("shutdown {:.3}", begin.elapsed().as_secs_f64());
    println!("started {}\nlost {}\ndropped {}", stats.started, lost(&stats), stats.dropped());
    println!("exported {}", stats.exporters.iter().map(|exporter| exporter.exported).sum::<u64>());
    eprintln!("{stats:?}");
    // Without what the timing itself needs.
    let timed = |producer: &Producer| producer.calls.lock().unwrap_or_else(PoisonError::into_inner).len();
    let needed = producers.iter().map(timed).sum::<usize>() * size_of::<u64>();
    println!("megabytes {:.1}", most_megabytes() - needed as f64 / 1e6);
    let mut calls: Vec<u64> = Vec::new();
    for producer in &producers {
        calls.append(&mut producer.calls.lock().unwrap_or_else(PoisonError::into_inner));
    }
    calls.sort_unstable();
    if let Some(last) = calls.len().checked_sub(1) {
        let nanos = nanos_per_tick();
        for (name, share) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
            println!("{name} {:.1}", calls[(last as f64 * share) as usize] as f64 * nanos);
        }
    }
    Ok(())
}

/// Says again and again which spans were handed over: to the disk buffer or to the receiver, one after the other, while none
/// was lost.
fn say(telemetry: &Guard, producers: &[Producer; THREADS], stop: &AtomicBool) {
    let mut output = io::stdout();
    while !stop.load(Relaxed) {
        std::thread::sleep(SAID);
        let made = producers.each_ref().map(|producer| producer.made.load(Acquire).to_string());
        if telemetry.force_flush(Duration::from_secs(30)).is_ok() && lost(&telemetry.stats()) == 0 {
            let _ = writeln!(output, "taken {} .", made.join(" "));
        }
    }
}
