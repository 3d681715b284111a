//! What becomes of spans while the receiver is away: they wait, go elsewhere, or lie on disk. Two small receivers on
//! loopback play the outages; nothing else is needed.
//!
//! ```sh
//! cargo run -p quickstart --bin outage
//! ```

use otelier::config::{CircuitBreaker, DiskBuffer, Exporter, Failover, Otlp, Protocol, Retry};
use otelier::prelude::*;
use otelier::{ExporterStats, Guard};
use std::collections::HashMap;
use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const SPANS: u64 = 1000;

#[trace(app.order.id = id)]
fn accept(id: u64) -> u64 {
    id
}

/// Makes spans, and lets each that waits have an attempt.
fn work(telemetry: &Guard) -> Result<(), Box<dyn Error>> {
    (0..SPANS).map(accept).for_each(drop);
    telemetry.force_flush(Duration::from_secs(5))?;
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let result = match &arguments[..] {
        [url, directory] => be_killed(url, Path::new(directory)),
        _ => tell(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn tell() -> Result<(), Box<dyn Error>> {
    retry()?;
    failover()?;
    disk()
}

/// How long a receiver that fails is left alone.
const ALONE: Duration = Duration::from_millis(200);

/// Pauses that fit into a demonstration; by default they are 5 to 30 s.
fn impatient() -> Telemetry {
    Telemetry::default()
        .with_service_name("shop")
        .with_retry(Retry::default().with_backoff(Duration::from_millis(50), Duration::from_millis(200)))
        .with_circuit_breaker(CircuitBreaker::default().with_failures(2).with_open_for(ALONE))
        // The events of the outages would be on standard error.
        .with_log_level(otelier::diagnostics::LogLevel::Off)
}

fn otlp(url: &str) -> Otlp {
    Otlp::to(url).with_protocol(Protocol::HttpJson)
}

fn retry() -> Result<(), Box<dyn Error>> {
    println!("1. A receiver is away, and comes back.");
    let receiver = Receiver::start()?;
    let telemetry = otelier::init(impatient().with_otlp(otlp(&receiver.url)))?;
    receiver.is_away(true);
    work(&telemetry)?;
    let exporter = first(&telemetry);
    println!("   away: {SPANS} spans made, {} wait, {} lost", exporter.pending, exporter.failed);
    receiver.is_away(false);
    let exporter = wait_for(&telemetry, |exporter| exporter.pending == 0)?;
    println!("   back: {} exported, {} lost; it has {}", exporter.exported, exporter.failed, receiver.spans());
    telemetry.shutdown()?;
    Ok(())
}

fn failover() -> Result<(), Box<dyn Error>> {
    println!("2. A second receiver stands in.");
    let (primary, secondary) = (Receiver::start()?, Receiver::start()?);
    let both = Failover::between([otlp(&primary.url), otlp(&secondary.url)]);
    let telemetry = otelier::init(impatient().with_exporter(Exporter::Failover(both)))?;
    primary.is_away(true);
    work(&telemetry)?;
    let exporter = wait_for(&telemetry, |exporter| exporter.pending == 0)?;
    let breaker = exporter.receivers[0].breaker.as_str();
    println!("   away: the second has {}; the first one's breaker is {breaker}", secondary.spans());
    primary.is_away(false);
    // When its time alone is over, single batches go to the first, until two have arrived there.
    std::thread::sleep(2 * ALONE);
    for _ in 0..3 {
        work(&telemetry)?;
    }
    let exporter = wait_for(&telemetry, |exporter| exporter.pending == 0 && exporter.receivers[0].is_current)?;
    let breaker = exporter.receivers[0].breaker.as_str();
    println!("   back: the first one's breaker is {breaker}, and it gets what comes");
    telemetry.shutdown()?;
    let (here, there) = (primary.count(), secondary.count());
    println!("   {} spans made, {} arrived, {} lost", 4 * SPANS, here + there, exporter.failed);
    Ok(())
}

fn buffered(url: &str, directory: &Path) -> Telemetry {
    impatient().with_otlp(otlp(url)).with_disk_buffer(DiskBuffer::in_directory(directory))
}

fn disk() -> Result<(), Box<dyn Error>> {
    println!("3. A process is killed during the outage; the next one sends what it left.");
    let directory = Directory::new()?;
    let receiver = Receiver::start()?;
    receiver.is_away(true);
    let mut child = Command::new(std::env::current_exe()?)
        .arg(&receiver.url)
        .arg(&directory.0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    let read = child.stdout.take().map(|output| BufReader::new(output).read_line(&mut line));
    // `kill -9`, where there is such a thing.
    child.kill()?;
    child.wait()?;
    read.transpose()?;
    println!("   killed: {}", line.trim_end());
    receiver.is_away(false);
    let telemetry = otelier::init(buffered(&receiver.url, &directory.0))?;
    let exporter = wait_for(&telemetry, |exporter| exporter.left_by_others == 0)?;
    println!("   next:   {} of an earlier process exported; the receiver has {}", exporter.replayed, receiver.spans());
    telemetry.shutdown()?;
    Ok(())
}

/// The process that ends suddenly.
fn be_killed(url: &str, directory: &Path) -> Result<(), Box<dyn Error>> {
    let telemetry = otelier::init(buffered(url, directory))?;
    work(&telemetry)?;
    let exporter = first(&telemetry);
    println!("{SPANS} spans made, {} on disk, {} in memory", exporter.buffered, exporter.pending);
    // Until it is killed, or nobody is there any more who could.
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

fn first(telemetry: &Guard) -> ExporterStats {
    telemetry.stats().exporters.remove(0)
}

fn wait_for(telemetry: &Guard, done: impl Fn(&ExporterStats) -> bool) -> Result<ExporterStats, Box<dyn Error>> {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let exporter = first(telemetry);
        if done(&exporter) {
            return Ok(exporter);
        }
        if end < Instant::now() {
            return Err(format!("nothing more comes: {exporter:?}").into());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Takes OTLP as JSON, and remembers the identifiers of spans. Away, it closes connections without an answer.
struct Receiver {
    url: String,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    is_away: AtomicBool,
    /// How often each came.
    spans: Mutex<HashMap<String, u64>>,
}

impl Receiver {
    fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let state = Arc::new(State::default());
        let its = Arc::clone(&state);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let its = Arc::clone(&its);
                std::thread::spawn(move || serve(connection, &its));
            }
        });
        Ok(Self { url, state })
    }

    fn is_away(&self, is_away: bool) {
        self.state.is_away.store(is_away, Relaxed);
    }

    fn count(&self) -> usize {
        self.state.spans.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// `1000 spans, 0 of them twice`
    fn spans(&self) -> String {
        let spans = self.state.spans.lock().unwrap_or_else(PoisonError::into_inner);
        let twice = spans.values().filter(|times| **times > 1).count();
        format!("{} spans, {twice} of them twice", spans.len())
    }
}

/// Answers the requests of one connection until it ends.
fn serve(connection: TcpStream, state: &State) -> std::io::Result<()> {
    let mut requests = BufReader::new(connection.try_clone()?);
    let mut connection = connection;
    loop {
        let mut length = 0;
        let mut line = String::new();
        while requests.read_line(&mut line)? > 0 && !line.trim_end().is_empty() {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().map_err(std::io::Error::other)?;
            }
            line.clear();
        }
        let mut body = vec![0; length];
        requests.read_exact(&mut body)?;
        if length == 0 || state.is_away.load(Relaxed) {
            return Ok(());
        }
        let body = String::from_utf8_lossy(&body);
        let mut spans = state.spans.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, rest) in body.match_indices("\"spanId\":\"").map(|(at, key)| (at, &body[at + key.len()..])) {
            *spans.entry(rest.chars().take(16).collect()).or_default() += 1;
        }
        drop(spans);
        connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")?;
    }
}

/// A directory that is gone in the end.
struct Directory(PathBuf);

impl Directory {
    fn new() -> std::io::Result<Self> {
        let path = std::env::temp_dir().join(format!("otelier-outage-{}", std::process::id()));
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
