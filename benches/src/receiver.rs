//! An OTLP receiver in a process of its own, so that its work is not counted as that of who sends.
//!
//! It takes HTTP/1.1 with protobuf bodies and counts the spans in them, without decoding more than it must.

use crate::process::{Answer, Missing, this};
use crate::wire::{head, messages};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

static RECEIVED: AtomicU64 = AtomicU64::new(0);

/// A receiver that runs; it ends when its standard input is closed, and so with this process.
#[derive(Debug)]
pub(crate) struct Receiver {
    process: Child,
    output: BufReader<std::process::ChildStdout>,
    port: u16,
}

impl Receiver {
    pub(crate) fn start() -> io::Result<Self> {
        let mut command = Command::new(this()?);
        let mut process = command.arg("receiver").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let output = process.stdout.take().ok_or_else(|| io::Error::other("no standard output"))?;
        let mut output = BufReader::new(output);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let port = Answer::new(line).number("port").map_err(|_| io::Error::other("no port"))?;
        Ok(Self { process, output, port })
    }

    /// The base URL.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Ends it; how many spans it got.
    pub(crate) fn end(mut self) -> Result<u64, Missing> {
        drop(self.process.stdin.take());
        let mut text = String::new();
        let read = self.output.read_to_string(&mut text).and_then(|_| self.process.wait());
        if let Err(error) = read {
            eprintln!("error: the receiver: {error}");
        }
        Answer::new(text).number("received")
    }
}

/// The receiver's side.
pub(crate) fn run() -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("port {}", listener.local_addr()?.port());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                if let Err(error) = serve(stream) {
                    eprintln!("error: the receiver: {error}");
                }
            });
        }
    });
    io::stdin().read_to_end(&mut Vec::new())?;
    println!("received {}", RECEIVED.load(Relaxed));
    Ok(())
}

/// Answers the requests of one connection.
fn serve(stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(1 << 18, stream.try_clone()?);
    let mut writer = stream;
    let mut body = Vec::new();
    loop {
        let Some(length) = head(&mut reader)? else { return Ok(()) };
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
        let spans = spans(&body).ok_or_else(|| io::Error::other("a body that is not an export request"))?;
        RECEIVED.fetch_add(spans, Relaxed);
        writer.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n")?;
    }
}

/// The spans of an `ExportTraceServiceRequest`: its field 1 are resources, whose field 2 are scopes, whose field 2 are spans.
fn spans(request: &[u8]) -> Option<u64> {
    let mut count = 0;
    for resource in messages(request, 1)? {
        for scope in messages(resource, 2)? {
            count += messages(scope, 2)?.len() as u64;
        }
    }
    Some(count)
}

#[cfg(test)]
mod tests {
    use super::spans;
    use crate::wire::head;

    #[test]
    fn spans_are_counted_wherever_they_are() {
        // Two scopes: one with two spans behind its own field 1, one with a span; then a second resource without any.
        let scope = [0x0a, 0x02, 0x0a, 0x00, 0x12, 0x01, 0x00, 0x12, 0x00];
        let other = [0x12, 0x00];
        let mut resource = vec![0x0a, 0x00, 0x12, scope.len() as u8];
        resource.extend(scope);
        resource.extend([0x12, other.len() as u8]);
        resource.extend(other);
        let mut request = vec![0x0a, resource.len() as u8];
        request.extend(resource);
        request.extend([0x0a, 0x00]);
        assert_eq!(spans(&request), Some(3));
        assert_eq!(spans(&request[..request.len() - 3]), None);
        assert_eq!(spans(&[]), Some(0));
    }

    #[test]
    fn a_head_ends_at_its_empty_line() {
        let mut text: &[u8] = b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
        assert_eq!(head(&mut text).expect("it is whole"), Some(5));
        assert_eq!(text, b"hello");
        assert_eq!(head(&mut &b""[..]).expect("a closed connection is no error"), None);
        assert!(head(&mut &b"POST /v1/traces HTTP/1.1\r\n"[..]).is_err());
        assert!(head(&mut &b"GET / HTTP/1.1\r\n\r\n"[..]).is_err());
    }
}
