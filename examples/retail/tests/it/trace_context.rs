//! The validation suite of W3C Trace Context, level 2 (<https://github.com/w3c/trace-context>, folder `test`), against a
//! service on the layer for servers and the client for requests.

use super::shop::eventually;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The variable that names the folder with the suite's `test.py`.
const SUITE: &str = "OTELIER_TEST_TRACE_CONTEXT";
/// The variable that names a Python with aiohttp.
const PYTHON: &str = "OTELIER_TEST_PYTHON";
/// How many tests the suite has; a later one may have more.
const TESTS: usize = 41;

/// Says why there is nothing to do, past the test runner, which keeps for itself what a test that passes prints.
fn skipped(why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

fn named(variable: &str) -> Option<OsString> {
    std::env::var_os(variable).filter(|value| !value.is_empty())
}

/// A service that ends with its test.
struct Service {
    child: Child,
    url: String,
}

impl Service {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_trace_context"))
            .env_clear()
            .args(["--port", "0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the service starts");
        let mut url = String::new();
        let said = child.stdout.take().map(BufReader::new);
        said.expect("it is piped").read_line(&mut url).expect("the service says where it is");
        Self { child, url: url.trim().to_owned() }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_validation_suite_of_w3c_trace_context_passes_whole() {
    let Some(suite) = named(SUITE).map(PathBuf::from) else {
        return skipped(&format!("{SUITE} does not name the folder `test` of github.com/w3c/trace-context"));
    };
    // Who names a suite wants it run.
    assert!(suite.join("test.py").is_file(), "there is no test.py in {}", suite.display());
    let python = named(PYTHON).unwrap_or_else(|| "python3".into());
    let has_aiohttp = Command::new(&python).args(["-c", "import aiohttp"]).stderr(Stdio::null()).status();
    if !has_aiohttp.is_ok_and(|status| status.success()) {
        return skipped("there is no Python with aiohttp (pip install aiohttp)");
    }
    let service = Service::start();
    // Somebody may take the port before the suite has it.
    let said = eventually("the suite", || {
        let said = run(&python, &suite, &service.url);
        (!said.contains("address already in use")).then_some(said)
    });
    let ran = said.lines().find_map(|line| line.strip_prefix("Ran ")?.split(' ').next()?.parse::<usize>().ok());
    let failed: Vec<_> = said.lines().filter(|line| line.starts_with("FAIL:") || line.starts_with("ERROR:")).collect();
    assert!(failed.is_empty() && ran.is_some_and(|ran| ran >= TESTS), "{ran:?} ran, failed: {failed:#?}\n{said}");
}

/// What the suite says of the service.
fn run(python: &OsString, suite: &Path, url: &str) -> String {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port();
    let output = Command::new(python)
        .args(["-B", "test.py", url])
        .current_dir(suite)
        .envs([("SPEC_LEVEL", "2"), ("STRICT_LEVEL", "2"), ("HARNESS_HOST", "127.0.0.1")])
        .env("HARNESS_PORT", port.to_string())
        .output()
        .expect("Python runs");
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
