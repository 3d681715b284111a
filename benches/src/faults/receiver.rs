//! A receiver in a process of its own that does what it is told, and knows how often each span arrived.
//!
//! Spans carry a number, `app.number`. Commands come as lines on standard input, and each is answered with a line.

use crate::answer::{Answer, this};
use crate::wire::{head, messages, varint};
use std::io::{self, BufRead, BufReader, Lines, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How requests are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Accept,
    Hang,
    /// After so many milliseconds.
    Slow(u64),
    /// With this status.
    Status(u16),
    /// So many of a thousand with 503, the others with success.
    Random(u64),
}

/// A receiver that runs; it ends when its standard input is closed, and so with this process.
#[derive(Debug)]
pub(crate) struct Receiver {
    process: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    port: u16,
}

/// How many requests and spans arrived, in requests that were accepted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrived {
    pub(crate) requests: u64,
    pub(crate) refused: u64,
    /// Different ones.
    pub(crate) spans: u64,
    /// Those that came again, each time.
    pub(crate) again: u64,
}

impl Receiver {
    pub(crate) fn start() -> io::Result<Self> {
        let mut process =
            Command::new(this()?).arg("faults-receiver").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let output = process.stdout.take().ok_or_else(|| io::Error::other("no standard output"))?;
        let input = process.stdin.take();
        let mut receiver = Self { process, input, output: BufReader::new(output).lines(), port: 0 };
        receiver.port = receiver.number("port")? as u16;
        Ok(receiver)
    }

    /// The base URL.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn line(&mut self) -> io::Result<String> {
        self.output.next().unwrap_or_else(|| Err(io::Error::other("the receiver is gone")))
    }

    fn number(&mut self, key: &str) -> io::Result<u64> {
        let line = self.line()?;
        Answer::new(line.clone()).number(key).map_err(|_| io::Error::other(format!("expected `{key}`, got `{line}`")))
    }

    fn tell(&mut self, command: &str) -> io::Result<()> {
        let input = self.input.as_mut().ok_or_else(|| io::Error::other("the receiver is gone"))?;
        writeln!(input, "{command}")
    }

    /// Answers like this from now on.
    pub(crate) fn answer(&mut self, mode: Mode) -> io::Result<()> {
        self.tell(&match mode {
            Mode::Accept => "accept 0".to_owned(),
            Mode::Hang => "hang 0".to_owned(),
            Mode::Slow(millis) => format!("slow {millis}"),
            Mode::Status(status) => format!("status {status}"),
            Mode::Random(per_mille) => format!("random {per_mille}"),
        })?;
        self.line().map(drop)
    }

    /// Refuses connections, and closes those that are there.
    pub(crate) fn stop(&mut self) -> io::Result<()> {
        self.tell("stop 0")?;
        self.line().map(drop)
    }

    /// Takes connections again.
    pub(crate) fn listen(&mut self) -> io::Result<()> {
        self.tell("listen 0")?;
        self.line().map(drop)
    }

    pub(crate) fn arrived(&mut self) -> io::Result<Arrived> {
        self.tell("arrived 0")?;
        Ok(Arrived {
            requests: self.number("requests")?,
            refused: self.number("refused")?,
            spans: self.number("spans")?,
            again: self.number("again")?,
        })
    }

    /// How many of these spans have not arrived: `first`, and every second one after it, so many as are said.
    pub(crate) fn missing(&mut self, first: u64, count: u64) -> io::Result<u64> {
        self.tell(&format!("missing {first} {count}"))?;
        self.number("missing")
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.process.wait();
    }
}

/// What the connections share.
#[derive(Debug)]
struct Shared {
    mode: Mutex<Mode>,
    /// How often each number arrived.
    counts: Mutex<Vec<u8>>,
    requests: AtomicU64,
    refused: AtomicU64,
    open: Mutex<Vec<TcpStream>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A thread that accepts connections.
struct Listening {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Listening {
    fn start(listener: TcpListener, shared: &Arc<Shared>) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, shared) = (Arc::clone(&stop), Arc::clone(shared));
        let thread = std::thread::spawn(move || {
            while !stopped.load(Relaxed) {
                match listener.accept() {
                    Ok((stream, _)) => take(stream, &shared),
                    Err(_) => std::thread::sleep(Duration::from_millis(1)),
                }
            }
        });
        Ok(Self { stop, thread })
    }

    fn end(self, shared: &Shared) {
        self.stop.store(true, Relaxed);
        let _ = self.thread.join();
        for stream in lock(&shared.open).drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn take(stream: TcpStream, shared: &Arc<Shared>) {
    let _ = stream.set_nonblocking(false);
    if let Ok(open) = stream.try_clone() {
        lock(&shared.open).push(open);
    }
    let shared = Arc::clone(shared);
    // Connections that break off are what this is about.
    std::thread::spawn(move || serve(stream, &shared));
}

/// The receiver's side.
pub(crate) fn run() -> io::Result<()> {
    let shared = Arc::new(Shared {
        mode: Mutex::new(Mode::Accept),
        counts: Mutex::default(),
        requests: AtomicU64::new(0),
        refused: AtomicU64::new(0),
        open: Mutex::default(),
    });
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    println!("port {}", address.port());
    let mut listening = Some(Listening::start(listener, &shared)?);
    for line in io::stdin().lines() {
        let line = line?;
        let mut words = line.split_whitespace();
        let command = words.next().unwrap_or_default();
        let numbers: Vec<u64> = words.filter_map(|word| word.parse().ok()).collect();
        let number = numbers.first().copied().unwrap_or_default();
        let mode = match command {
            "accept" => Some(Mode::Accept),
            "hang" => Some(Mode::Hang),
            "slow" => Some(Mode::Slow(number)),
            "status" => Some(Mode::Status(number as u16)),
            "random" => Some(Mode::Random(number)),
            _ => None,
        };
        match command {
            "stop" => listening.take().into_iter().for_each(|listening| listening.end(&shared)),
            "listen" if listening.is_none() => listening = Some(Listening::start(bind(address)?, &shared)?),
            "arrived" => {
                let counts = lock(&shared.counts);
                let spans = counts.iter().filter(|count| **count > 0).count();
                let again: u64 = counts.iter().map(|count| u64::from(count.saturating_sub(1))).sum();
                println!("requests {}\nrefused {}", shared.requests.load(Relaxed), shared.refused.load(Relaxed));
                println!("spans {spans}\nagain {again}");
                continue;
            }
            "missing" => {
                let counts = lock(&shared.counts);
                let wanted = (0..numbers.get(1).copied().unwrap_or_default()).map(|index| number + 2 * index);
                let missing = wanted.filter(|number| counts.get(*number as usize).is_none_or(|count| *count == 0));
                println!("missing {}", missing.count());
                continue;
            }
            _ => mode.into_iter().for_each(|mode| *lock(&shared.mode) = mode),
        }
        println!("done 0");
    }
    Ok(())
}

/// Has the port again, even if somebody's connection comes from it just now.
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let begin = Instant::now();
    loop {
        match TcpListener::bind(address) {
            Err(error) if begin.elapsed() > Duration::from_secs(10) => return Err(error),
            Err(_) => std::thread::sleep(Duration::from_millis(10)),
            Ok(listener) => return Ok(listener),
        }
    }
}

/// Answers the requests of one connection.
fn serve(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(1 << 18, stream.try_clone()?);
    let mut writer = stream;
    let mut body = Vec::new();
    while let Some(length) = head(&mut reader)? {
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
        let mode = *lock(&shared.mode);
        let number = shared.requests.fetch_add(1, Relaxed);
        let status = match mode {
            Mode::Accept => 200,
            Mode::Slow(millis) => {
                std::thread::sleep(Duration::from_millis(millis));
                200
            }
            Mode::Status(status) => status,
            Mode::Random(per_mille) if drawn(number) % 1000 < per_mille => 503,
            Mode::Random(_) => 200,
            Mode::Hang => {
                shared.refused.fetch_add(1, Relaxed);
                // Until the client has had enough.
                let _ = reader.read(&mut [0])?;
                return Ok(());
            }
        };
        if status == 200 {
            let numbers = numbers(&body).ok_or_else(|| io::Error::other("a body that is not an export request"))?;
            note(&mut lock(&shared.counts), &numbers);
        } else {
            shared.refused.fetch_add(1, Relaxed);
        }
        let head = format!("HTTP/1.1 {status} .\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n");
        writer.write_all(head.as_bytes())?;
    }
    Ok(())
}

fn note(counts: &mut Vec<u8>, numbers: &[u64]) {
    for &number in numbers {
        let index = number as usize;
        if counts.len() <= index {
            counts.resize((index + 1).next_power_of_two(), 0);
        }
        counts[index] = counts[index].saturating_add(1);
    }
}

/// SplitMix64 of the request's number: which ones fail is the same each time.
fn drawn(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The attributes `app.number` of all spans of an `ExportTraceServiceRequest`.
fn numbers(request: &[u8]) -> Option<Vec<u64>> {
    let mut numbers = Vec::new();
    for resource in messages(request, 1)? {
        for scope in messages(resource, 2)? {
            for span in messages(scope, 2)? {
                for attribute in messages(span, 9)? {
                    if messages(attribute, 1)?.first() == Some(&&b"app.number"[..]) {
                        numbers.push(integer(messages(attribute, 2)?.first()?)?);
                    }
                }
            }
        }
    }
    Some(numbers)
}

/// The integer of an `AnyValue`, its field 3.
fn integer(mut value: &[u8]) -> Option<u64> {
    (varint(&mut value)? == 3 << 3).then(|| varint(&mut value)).flatten()
}

#[cfg(test)]
mod tests {
    use super::{integer, note, numbers};

    /// A field with a message.
    fn field(number: u8, message: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, message.len() as u8], message].concat()
    }

    #[test]
    fn the_numbers_of_spans_are_found_among_other_attributes() {
        let attribute = |key: &str, value: u8| field(9, &[field(1, key.as_bytes()), field(2, &[0x18, value])].concat());
        let span = |number| field(2, &[attribute("app.other", 9), attribute("app.number", number)].concat());
        let request = field(1, &field(2, &[span(7), span(8)].concat()));
        assert_eq!(numbers(&request), Some(vec![7, 8]));
        assert_eq!(numbers(&request[..request.len() - 1]), None);
        assert_eq!(integer(&[0x0a, 0x01, b'x']), None);
    }

    #[test]
    fn a_number_that_comes_again_is_counted_again() {
        let mut counts = Vec::new();
        note(&mut counts, &[3, 5]);
        note(&mut counts, &[5]);
        assert_eq!((counts[3], counts[4], counts[5]), (1, 0, 2));
    }
}
