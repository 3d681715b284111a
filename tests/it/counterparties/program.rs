//! Programs that nobody here wrote: where they are, how they start, and that they end with their test.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long a program may take to start: those in Python import for many seconds on a busy machine.
const START: Duration = Duration::from_secs(180);

/// Where a program is looked for.
pub(super) struct Program {
    /// Its name on `PATH`.
    pub(super) name: &'static str,
    /// The environment variable that holds its path, and wins.
    pub(super) variable: &'static str,
    pub(super) install: &'static str,
}

impl Program {
    /// The program's path, or none after a line that says what is left out. The line is written past the test runner, which
    /// keeps for itself what a test that passes prints.
    pub(super) fn find(&self) -> Option<PathBuf> {
        self.find_or(|| None)
    }

    /// The same, with another place to look at before it is given up.
    pub(super) fn find_or(&self, elsewhere: impl FnOnce() -> Option<PathBuf>) -> Option<PathBuf> {
        if let Some(named) = std::env::var_os(self.variable).filter(|value| !value.is_empty()) {
            let path = PathBuf::from(named);
            // Who names a program wants it tested.
            assert!(path.is_file(), "{} is {}, and there is no such file", self.variable, path.display());
            return Some(path);
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = std::env::split_paths(&path).map(|folder| folder.join(self.name)).find(|path| path.is_file());
        let found = found.or_else(elsewhere);
        if found.is_none() {
            skipped(&format!("{} is not installed ({})", self.name, self.install));
        }
        found
    }
}

/// Says why a test has nothing to do.
pub(super) fn skipped(why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

/// A directory that goes when it is dropped.
pub(super) struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("otelier-{name}-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a directory for the program's data");
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A port on loopback that nobody listens at now.
pub(super) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    listener.local_addr().expect("an address").port()
}

/// A program that runs until this is dropped, with all the processes it has started.
pub(super) struct Running {
    child: Child,
    pub(super) folder: Folder,
}

impl Running {
    /// Starts what `command` gives for some free ports, and waits until `is_ready`. Ports can be taken by others before the
    /// program has them, so one that ends is started again with others.
    pub(super) fn start<const N: usize>(
        name: &str,
        command: impl Fn([u16; N], &Path) -> Command,
        is_ready: impl Fn([u16; N]) -> bool,
    ) -> (Self, [u16; N]) {
        let mut said = String::new();
        for _ in 0..3 {
            let ports = [(); N].map(|()| free_port());
            match Self::start_at(name, ports, &command, &is_ready) {
                Ok(running) => return (running, ports),
                Err(error) => said = error,
            }
        }
        panic!("{name} does not start:\n{said}");
    }

    /// The same for these ports; gives what it said if it does not start.
    pub(super) fn start_at<const N: usize>(
        name: &str,
        ports: [u16; N],
        command: impl Fn([u16; N], &Path) -> Command,
        is_ready: impl Fn([u16; N]) -> bool,
    ) -> Result<Self, String> {
        let mut running = Self::spawn(name, |folder| command(ports, folder));
        let begun = Instant::now();
        while begun.elapsed() < START && running.child.try_wait().expect("the program is ours").is_none() {
            if is_ready(ports) {
                return Ok(running);
            }
            thread::sleep(Duration::from_millis(20));
        }
        Err(running.last_words())
    }

    fn spawn(name: &str, command: impl FnOnce(&Path) -> Command) -> Self {
        let folder = Folder::new(name);
        let (out, err) = (folder.path().join("stdout"), folder.path().join("stderr"));
        let mut command = command(folder.path());
        command.current_dir(folder.path()).stdin(Stdio::null());
        command.stdout(File::create(out).expect("a file")).stderr(File::create(err).expect("a file"));
        // The tests' own settings are not meant for the program.
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("OTEL_") || name.starts_with("OTELIER_")) {
                command.env_remove(&name);
            }
        }
        // A group of its own, so that its end is the end of those it has started.
        let child = command.process_group(0).spawn().unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        Self { child, folder }
    }

    /// What it has printed so far.
    pub(super) fn output(&self) -> String {
        let read = |name| std::fs::read(self.folder.path().join(name)).unwrap_or_default();
        let (out, err) = (read("stdout"), read("stderr"));
        format!("{}\n{}", String::from_utf8_lossy(&out), String::from_utf8_lossy(&err))
    }

    /// The end of it, for a failure's message.
    pub(super) fn last_words(&self) -> String {
        let output = self.output();
        let start = output.char_indices().rev().nth(2000).map_or(0, |(at, _)| at);
        output[start..].to_owned()
    }

    /// Waits until what it has printed fulfils `is_there`; what has been printed by the deadline is given back anyway.
    pub(super) fn wait_for_output(&self, is_there: impl Fn(&str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            let output = self.output();
            if is_there(&output) || begun.elapsed() > WAIT {
                return output;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How long what was sent may take to show up.
pub(super) const WAIT: Duration = Duration::from_secs(30);

/// Asks until the answer is there, or gives the last word at the deadline.
pub(super) fn eventually<T>(mut ask: impl FnMut() -> Result<T, String>) -> T {
    let begun = Instant::now();
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(error) if begun.elapsed() > WAIT => panic!("{error}"),
            Err(_) => thread::sleep(Duration::from_millis(50)),
        }
    }
}

pub(super) fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// The body that a program answers with, if it is what was asked for.
pub(super) fn get(port: u16, path: &str) -> Result<String, String> {
    ask(port, &format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n"))
}

/// The body that a program answers a JSON body with, if it takes that.
pub(super) fn post(port: u16, path: &str, json: &str) -> Result<String, String> {
    let head = format!("host: 127.0.0.1:{port}\r\nconnection: close\r\ncontent-type: application/json\r\n");
    ask(port, &format!("POST {path} HTTP/1.1\r\n{head}content-length: {}\r\n\r\n{json}", json.len()))
}

fn ask(port: u16, request: &str) -> Result<String, String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).map_err(|error| error.to_string())?;
    stream.set_read_timeout(Some(WAIT)).expect("a timeout can be set");
    stream.write_all(request.as_bytes()).map_err(|error| error.to_string())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).map_err(|error| error.to_string())?;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").ok_or("the answer has no end of its headers")?;
    let (head, body) = (String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase(), &answer[end + 4..]);
    let body = if head.contains("transfer-encoding: chunked") { dechunked(body)? } else { body.to_vec() };
    let body = String::from_utf8(body).map_err(|error| error.to_string())?;
    match head.split(' ').nth(1) {
        Some("200" | "201") => Ok(body),
        _ => Err(format!("{request}{head}\n{body}")),
    }
}

fn dechunked(mut body: &[u8]) -> Result<Vec<u8>, String> {
    let mut whole = Vec::new();
    loop {
        let end = body.windows(2).position(|two| two == b"\r\n").ok_or("a chunk has no length")?;
        let length = String::from_utf8_lossy(&body[..end]);
        let length = usize::from_str_radix(length.split(';').next().unwrap_or_default().trim(), 16);
        let length = length.map_err(|error| error.to_string())?;
        if length == 0 {
            return Ok(whole);
        }
        let rest = body.get(end + 2 + length + 2..).ok_or("a chunk breaks off")?;
        whole.extend_from_slice(&body[end + 2..end + 2 + length]);
        body = rest;
    }
}

/// Python, for what its packages can say of ours; each test names those that it needs.
pub(super) const PYTHON: Program =
    Program { name: "python3", variable: "OTELIER_TEST_PYTHON", install: "docs/counterparties.md names its packages" };

/// Whether this Python has a module.
pub(super) fn has(program: &Path, module: &str) -> bool {
    let asked = python(&mut Command::new(program)).args(["-c", &format!("import {module}")]).output();
    asked.is_ok_and(|output| output.status.success())
}

/// Variables for a program that is in Python: it finds nothing of another one, and says what it says at once.
pub(super) fn python(command: &mut Command) -> &mut Command {
    let settings: BTreeMap<&str, OsString> = [
        ("PYTHONUNBUFFERED", "1".into()),
        ("PYTHONDONTWRITEBYTECODE", "1".into()),
        ("PYTHONIOENCODING", "utf-8".into()),
    ]
    .into();
    command.envs(settings)
}
