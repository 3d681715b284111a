//! A shop that runs, and ends with its test.

use otelier_tests::{Behaviour, Receiver};
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The longest anything may take before the test gives up.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A shop with a database of its own, whose spans come to the test.
pub struct Shop {
    child: Child,
    directory: PathBuf,
    pub url: String,
    pub receiver: Receiver,
}

/// Waits for what `ask` gives.
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(begun.elapsed() < DEADLINE, "{what} takes too long");
        std::thread::sleep(Duration::from_millis(10));
    }
}

impl Shop {
    pub fn open(pack_ms: u64) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("retail-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&directory).expect("the build directory is writable");
        let receiver = Receiver::http(Behaviour::Accept).expect("loopback has a free port");
        let file = |name: &str| File::create(directory.join(name)).expect("the build directory is writable");
        let child = Command::new(env!("CARGO_BIN_EXE_shop"))
            .env_clear()
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint())
            .args(["--port", "0", "--pack-ms", &pack_ms.to_string(), "--database"])
            .arg(directory.join("shop.db"))
            .stdin(Stdio::null())
            .stdout(file("stdout"))
            .stderr(file("stderr"))
            .spawn()
            .expect("the shop starts");
        let mut shop = Self { child, directory, url: String::new(), receiver };
        shop.url = eventually("the start", || {
            let (said, errors) = (shop.said("stdout"), shop.said("stderr"));
            assert!(errors.is_empty(), "{errors}");
            let rest = said.strip_prefix("shop: ")?;
            Some(rest.split_once(',')?.0.to_owned())
        });
        shop
    }

    pub fn said(&self, stream: &str) -> String {
        std::fs::read_to_string(self.directory.join(stream)).expect("the shop writes UTF-8")
    }

    pub fn database(&self) -> PathBuf {
        self.directory.join("shop.db")
    }

    /// A customer, whose spans come to the test, too.
    pub fn customer(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_order"))
            .env_clear()
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", self.receiver.endpoint())
            .envs(environment.iter().copied())
            .args(["--shop", &self.url])
            .args(arguments)
            .output()
            .expect("a customer starts")
    }

    /// A request by hand, with more headers; gives the status and the body.
    pub fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> (u16, serde_json::Value) {
        let host = self.url.strip_prefix("http://").expect("a URL");
        let mut stream = TcpStream::connect(host).expect("the shop listens");
        stream.set_read_timeout(Some(DEADLINE)).expect("a timeout can be set");
        let length = body.len();
        let head = format!("host: {host}\r\nconnection: close\r\ncontent-type: application/json\r\n{headers}");
        let request = format!("{method} {path} HTTP/1.1\r\n{head}content-length: {length}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).expect("the shop reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the shop answers");
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        (status, serde_json::from_str(body).unwrap_or_default())
    }

    /// Asks the shop to end, and waits until it has. Not by `SIGINT`, which a shell lets its background jobs ignore.
    pub fn close(&mut self) -> ExitStatus {
        // The shell's own `kill`: not every machine has the program.
        let sent =
            Command::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]).status().expect("a shell");
        assert!(sent.success());
        eventually("the end", || self.child.try_wait().expect("the shop is ours"))
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
