//! The validation suite of W3C Trace Context, level 2: <https://github.com/w3c/trace-context>, folder `test`.

use super::callbacks::Service;
use super::program::{PYTHON, free_port, has, python, skipped};
use crate::support::turn;
use opentelemetry::trace::SpanKind;
use otelier::export::MemoryExporter;
use otelier::{Pipeline, Telemetry};
use std::path::PathBuf;
use std::process::Command;

/// The variable that names the folder with the suite's `test.py`.
const SUITE: &str = "OTELIER_TEST_TRACE_CONTEXT";

/// How many tests the suite has; a later one may have more.
const TESTS: usize = 41;

#[test]
fn the_validation_suite_of_w3c_trace_context_passes_whole() {
    let Some(suite) = std::env::var_os(SUITE).filter(|value| !value.is_empty()).map(PathBuf::from) else {
        return skipped(&format!("{SUITE} does not name the folder `test` of github.com/w3c/trace-context"));
    };
    // Who names a suite wants it run.
    assert!(suite.join("test.py").is_file(), "there is no test.py in {}", suite.display());
    let Some(program) = PYTHON.find() else { return };
    if !has(&program, "aiohttp") {
        return skipped("aiohttp is not installed (pip install aiohttp)");
    }
    let _turn = turn();
    let kept = MemoryExporter::new(100_000);
    let guard = Pipeline::new(Telemetry::default()).with_span_exporter(kept.clone()).start().expect("a pipeline");
    let service = Service::start();
    // Somebody may take the port before the suite has it.
    let said = (0..3).map(|_| run(&program, &suite, &service)).find(|said| !said.contains("address already in use"));
    drop(service);
    guard.shutdown().expect("nothing is sent anywhere");
    assert!(kept.spans().iter().filter(|span| span.span_kind == SpanKind::Server).count() >= TESTS);
    let said = said.expect("loopback has a free port");
    let ran = said.lines().find_map(|line| line.strip_prefix("Ran ")?.split(' ').next()?.parse::<usize>().ok());
    let failed: Vec<_> = said.lines().filter(|line| line.starts_with("FAIL:") || line.starts_with("ERROR:")).collect();
    assert!(failed.is_empty() && ran.is_some_and(|ran| ran >= TESTS), "{ran:?} ran, failed: {failed:#?}\n{said}");
}

/// What the suite says of the service.
fn run(program: &PathBuf, suite: &PathBuf, service: &Service) -> String {
    let mut command = Command::new(program);
    python(&mut command).args(["test.py", &service.url()]).current_dir(suite);
    command.envs([("SPEC_LEVEL", "2"), ("STRICT_LEVEL", "2"), ("HARNESS_HOST", "127.0.0.1")]);
    command.env("HARNESS_PORT", free_port().to_string());
    let output = command.output().expect("Python runs");
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
