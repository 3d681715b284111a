//! Signals end the process, within the deadline, with the exit status of the signal. Each case runs in a process of its own:
//! this program again, told by a variable what to do.
#![cfg(unix)]

use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use otelier::prelude::*;
use otelier::signals::{self, Signal};
use otelier::{Guard, Pipeline};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

const CASE: &str = "OTELIER_TEST_SIGNALS_CASE";
const SIG_DFL: usize = 0;
const SIGINT: i32 = 2;
const SIGKILL: i32 = 9;
const SIGTERM: i32 = 15;
/// Longer than anybody waits for a process.
const PATIENCE: Duration = Duration::from_secs(300);
/// No case needs as long, however busy the machine is: who does hangs.
const BOUND: Duration = Duration::from_secs(60);

unsafe extern "C" {
    fn kill(process: i32, signal: i32) -> i32;
    fn signal(signal: i32, handler: usize) -> usize;
}

/// What the exporter does.
#[derive(Debug)]
enum Exporter {
    Says,
    Hangs,
    Panics,
    Fails,
    Blocks,
}

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        match self {
            Self::Says => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                say(&format!("exported {}", batch.len()));
                Ok(())
            }
            Self::Hangs => std::future::pending().await,
            Self::Panics => panic!("on purpose"),
            Self::Fails => Err(opentelemetry_sdk::error::OTelSdkError::InternalFailure("on purpose".to_owned())),
            Self::Blocks => loop {
                std::thread::park();
            },
        }
    }
}

fn say(what: &str) {
    println!("@{what}");
    let _ = std::io::stdout().flush();
}

#[trace]
fn leaf() {}

fn start(exporter: Exporter) -> Guard {
    let settings = Telemetry::default().with_shutdown_timeout(Duration::from_millis(500));
    let telemetry = Pipeline::new(settings).with_span_exporter(exporter).start().expect("it starts");
    (0..7).for_each(|_| leaf());
    telemetry
}

fn wait_for_death() -> ! {
    say("ready");
    std::thread::sleep(PATIENCE);
    say("nobody came");
    std::process::exit(3)
}

/// What the other process does; it is a test so that the harness runs it.
#[test]
fn a_case() {
    #[allow(clippy::disallowed_methods, reason = "the test's own variable")]
    let Ok(case) = std::env::var(CASE) else { return };
    match &*case {
        "good" | "hangs" | "panics" | "fails" | "blocks" => {
            let exporter = match &*case {
                "good" => Exporter::Says,
                "hangs" => Exporter::Hangs,
                "panics" => Exporter::Panics,
                "fails" => Exporter::Fails,
                _ => Exporter::Blocks,
            };
            let _telemetry = start(exporter).shutdown_on_signal().expect("handlers are installed");
            wait_for_death()
        }
        "async" => {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            let telemetry = start(Exporter::Says).shutdown_on_signal().expect("handlers are installed");
            runtime.block_on(async {
                say("ready");
                std::future::pending::<()>().await;
            });
            drop(telemetry);
        }
        "wait" => {
            let telemetry = start(Exporter::Says);
            // Installs the handlers before the other process sends a signal.
            let _received = signals::received().expect("handlers are installed");
            say("ready");
            let signal = signals::wait().expect("handlers are installed");
            say(&format!("got {signal}"));
            telemetry.shutdown().expect("in time");
            signal.die()
        }
        "received" => {
            let telemetry = start(Exporter::Says);
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            let received = signals::received().expect("handlers are installed");
            say("ready");
            let signal = runtime.block_on(received);
            assert_eq!(signal, Signal::Terminate);
            telemetry.shutdown().expect("in time");
            signal.die()
        }
        "nobody waits" => {
            drop(start(Exporter::Says).shutdown_on_signal().expect("handlers are installed"));
            drop(signals::received());
            wait_for_death()
        }
        "returns meanwhile" => {
            let telemetry = start(Exporter::Says).shutdown_on_signal().expect("handlers are installed");
            let received = signals::received().expect("handlers are installed");
            say("ready");
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            runtime.block_on(received);
            // As a server that ends gracefully: the signal's thread shuts telemetry down at the same time.
            drop(telemetry);
            say("survived");
        }
        "slow" => {
            let received = signals::received().expect("handlers are installed");
            say("ready");
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            runtime.block_on(received);
            say("got it");
            std::thread::sleep(PATIENCE);
            say("survived");
        }
        "static" => {
            static GUARD: std::sync::OnceLock<Guard> = std::sync::OnceLock::new();
            let _ = GUARD.set(start(Exporter::Blocks));
            say("ready");
            std::process::exit(4)
        }
        other => panic!("no case `{other}`"),
    }
}

struct Case {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Case {
    fn run(case: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["a_case", "--exact", "--nocapture", "--test-threads=1"]).env(CASE, case);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        // Where the tests run in the background, a shell has made them ignore it, which would be kept so.
        let not_ignored = || {
            // SAFETY: it takes numbers only.
            unsafe { signal(SIGINT, SIG_DFL) };
            Ok(())
        };
        // SAFETY: what is called there may be called between a fork and what follows it.
        unsafe { command.pre_exec(not_ignored) };
        let mut child = command.spawn().expect("it starts");
        let out = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut case = Self { child, out };
        case.wait_for("ready");
        case
    }

    fn wait_for(&mut self, what: &str) {
        let mut line = String::new();
        while !line.contains(&format!("@{what}")) {
            line.clear();
            assert!(self.out.read_line(&mut line).expect("its output") > 0, "it ended before `{what}`");
        }
    }

    fn signal(&self, signal: i32) {
        // SAFETY: a signal to a child that was not waited for.
        assert_eq!(unsafe { kill(self.child.id() as i32, signal) }, 0);
    }

    /// The signal that killed it, and what it said.
    fn end(mut self) -> (Option<i32>, Option<i32>, String) {
        let begun = Instant::now();
        let mut said = String::new();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                break status;
            }
            assert!(begun.elapsed() < BOUND, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        };
        self.out.read_to_string(&mut said).expect("its output");
        (status.signal(), status.code(), said)
    }
}

impl Drop for Case {
    fn drop(&mut self) {
        // If the test failed in between.
        if let Ok(None) = self.child.try_wait() {
            self.signal(SIGKILL);
            let _ = self.child.wait();
        }
    }
}

#[test]
fn a_signal_exports_what_is_left_and_kills_the_process_by_itself() {
    for case in ["good", "async", "wait", "received", "returns meanwhile"] {
        let signals = if case == "received" { &[SIGTERM][..] } else { &[SIGTERM, SIGINT] };
        for signal in signals {
            let process = Case::run(case);
            process.signal(*signal);
            let (killed_by, _, said) = process.end();
            assert_eq!(killed_by, Some(*signal), "{case}: {said}");
            assert!(said.contains("@exported 7") && !said.contains("@survived"), "{case}: {said}");
        }
    }
}

#[test]
fn no_exporter_keeps_the_signal_from_killing_the_process() {
    for case in ["hangs", "panics", "fails", "blocks"] {
        let process = Case::run(case);
        process.signal(SIGTERM);
        assert_eq!(process.end().0, Some(SIGTERM), "{case}");
    }
}

#[test]
fn while_nobody_waits_a_signal_kills_at_once() {
    let process = Case::run("nobody waits");
    process.signal(SIGTERM);
    assert_eq!(process.end().0, Some(SIGTERM));
}

#[test]
fn a_second_signal_kills_at_once() {
    let mut process = Case::run("slow");
    process.signal(SIGTERM);
    process.wait_for("got it");
    process.signal(SIGINT);
    let (killed_by, _, said) = process.end();
    assert_eq!(killed_by, Some(SIGINT), "{said}");
}

#[test]
fn a_guard_in_a_static_and_an_exporter_that_blocks_do_not_keep_the_process_from_exiting() {
    let (_, code, _) = Case::run("static").end();
    assert_eq!(code, Some(4));
}
