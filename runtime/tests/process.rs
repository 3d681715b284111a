//! What a child process is told of the trace, and what its span tells of it. The children are this program again, told by a
//! variable what to do.
#![cfg(unix)]

use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::{SpanKind, Status, TraceContextExt};
use otelier::config::Propagator;
use otelier::export::MemoryExporter;
use otelier::prelude::*;
use otelier::testing::{Captured, CapturedSpan, capture};
use otelier::{Pipeline, Span, TracedCommand, traced_command};
use std::io::Write;
use std::process::{Command, Stdio};

const CASE: &str = "OTELIER_TEST_PROCESS_CASE";
const GIVEN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03";

/// Runs a case of this program in a process of its own, and returns what it said.
fn run(case: &str, environment: &[(&str, &str)]) -> String {
    let program = std::env::current_exe().expect("this program has a path");
    let mut command = Command::new(program);
    // Whoever runs the tests may trace them.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_of_context)) {
        command.env_remove(name);
    }
    command.env(CASE, case).envs(environment.iter().copied());
    let output = command.args(["--exact", "one_case", "--nocapture"]).output().expect("this program starts again");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    let said = told.lines().filter_map(|line| line.split_once('@').map(|(_, said)| said));
    said.collect::<Vec<_>>().join("\n")
}

/// What a child sees of its environment.
fn seen(command: &mut TracedCommand) -> Vec<String> {
    let output = command.output().expect("there is an env");
    let text = String::from_utf8(output.stdout).expect("text");
    let mut lines: Vec<_> = text.lines().filter(|line| is_of_context(line)).map(str::to_owned).collect();
    lines.sort();
    lines
}

fn is_of_context(line: &str) -> bool {
    ["TRACE", "BAGGAGE", "B3", "X_B3", "UBER"].iter().any(|name| line.starts_with(name))
}

/// The case that this process was started for, if it was.
#[test]
fn one_case() {
    #[allow(clippy::disallowed_methods, reason = "the variable that tells the child what to do")]
    let Ok(case) = std::env::var(CASE) else { return };
    let memory = MemoryExporter::new(100);
    let start =
        |settings: Telemetry| Pipeline::new(settings).with_span_exporter(memory.clone()).start().expect("starts");
    let settings = Telemetry::default().with_service_name("test");
    match case.as_str() {
        "off" => println!("@{}", seen(&mut traced_command("env")).join("\n@")),
        "none" => {
            let _guard = start(settings.with_propagators([]));
            println!("@{}", seen(&mut traced_command("env")).join("\n@"));
        }
        "replaced" => {
            let _guard = start(settings);
            let span = Span::start("work");
            span.in_scope(|| println!("@{}", seen(&mut traced_command("env")).join("\n@")));
            println!("@trace {}", span.span_context().trace_id());
        }
        "b3" => {
            let _guard = start(settings.with_propagators([Propagator::B3Multi, Propagator::Jaeger]));
            println!("@{}", seen(&mut traced_command("env")).join("\n@"));
        }
        "continued" => {
            let guard = start(settings);
            let parent = otelier::process::parent();
            println!("@baggage {}", parent.baggage());
            nightly();
            guard.shutdown().expect("it ends");
            let span = &memory.spans()[0];
            println!("@{} {}", span.span_context.trace_id(), span.parent_span_id);
        }
        "variables" => {
            let _guard = start(settings);
            println!("@outside {:?}", otelier::process::env());
            let span = Span::start("work");
            for (name, value) in span.in_scope(otelier::process::env) {
                println!("@{name}={}", if value.is_empty() { "" } else { "…" });
            }
            let mut command = Command::new("env");
            command.env("B3", "0");
            span.in_scope(|| otelier::process::inject(&mut command));
            let mut traced = TracedCommand::from(command);
            println!("@{}", seen(&mut traced).len());
        }
        "again" => {
            let guard = start(settings);
            let mut command = traced_command("env");
            let (first, second) = (seen(&mut command), seen(&mut command));
            guard.shutdown().expect("it ends");
            let ids: Vec<_> = memory.spans().iter().map(|span| span.span_context.span_id().to_string()).collect();
            println!("@{} {}", first.join(" ").contains(&ids[0]), second.join(" ").contains(&ids[1]));
            println!("@{}", seen(&mut command).join("\n@"));
        }
        other => panic!("{other} is no case"),
    }
    let _ = std::io::stdout().flush();
}

#[trace(parent = otelier::process::parent())]
fn nightly() {}

#[test]
fn while_telemetry_is_off_a_child_continues_what_this_process_was_given() {
    let given = [("TRACEPARENT", GIVEN), ("TRACESTATE", "a=1"), ("BAGGAGE", "user=1")];
    let expected = format!("BAGGAGE=user=1\nTRACEPARENT={GIVEN}\nTRACESTATE=a=1");
    assert_eq!(run("off", &given), expected);
    assert_eq!(run("none", &given), expected);
    assert_eq!(run("off", &[]), "");
}

#[test]
fn a_child_never_sees_the_parent_of_its_parent() {
    let given = [
        ("TRACEPARENT", GIVEN),
        ("TRACESTATE", "a=1"),
        ("BAGGAGE", "user=1"),
        ("B3", "0"),
        ("X_B3_TRACEID", "0af7651916cd43dd8448eb211c80319c"),
        ("UBERCTX_USER", "1"),
    ];
    let said = run("replaced", &given);
    let (variables, trace) = said.split_once("\ntrace ").expect("the id of the trace");
    let [only] = variables.lines().collect::<Vec<_>>()[..] else { panic!("{said}") };
    assert!(only.starts_with(&format!("TRACEPARENT=00-{trace}-")), "{said}");
    assert!(!said.contains("0af7651916cd43dd8448eb211c80319c"), "{said}");
}

#[test]
fn a_command_that_is_used_again_has_the_context_of_its_last_process_alone() {
    let given = [("TRACEPARENT", GIVEN), ("BAGGAGE", "user=1")];
    assert_eq!(run("again", &given), format!("true true\nBAGGAGE=user=1\nTRACEPARENT={GIVEN}"));
    assert_eq!(run("again", &[]), "true true\n");
}

#[test]
fn the_settings_propagators_choose_the_variables() {
    let said = run("b3", &[("TRACEPARENT", GIVEN), ("X_B3_PARENTSPANID", "b7ad6b7169203331")]);
    let names: Vec<_> = said.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    assert_eq!(names, ["UBER_TRACE_ID", "X_B3_SAMPLED", "X_B3_SPANID", "X_B3_TRACEID"]);
}

#[test]
fn a_process_continues_the_trace_of_its_environment() {
    let said = run("continued", &[("TRACEPARENT", GIVEN), ("BAGGAGE", "user=1")]);
    assert_eq!(said, "baggage user=1\n0af7651916cd43dd8448eb211c80319c b7ad6b7169203331");
    // Baggage may come alone, and nonsense is no parent.
    let said = run("continued", &[("TRACEPARENT", "00-0-0-01"), ("BAGGAGE", "user=1")]);
    let (baggage, span) = said.split_once('\n').expect("two lines");
    assert_eq!(baggage, "baggage user=1");
    assert!(span.ends_with(" 0000000000000000"), "{said}");
}

#[test]
fn variables_for_others_say_what_is_not_to_be_inherited() {
    let said = run("variables", &[("TRACEPARENT", GIVEN), ("BAGGAGE", "user=1"), ("B3", "1")]);
    assert_eq!(said, "outside []\nTRACEPARENT=…\nB3=\nBAGGAGE=\n1");
}

/// The only span.
fn only<T>(spans: &Captured<T>) -> CapturedSpan<'_> {
    assert_eq!(spans.len(), 1, "{}", spans.text());
    spans.roots().next().expect("there is one")
}

#[test]
fn a_success_has_its_number_and_exit_code() {
    let spans = capture(|| {
        let output = traced_command("/bin/sh").args(["-c", "echo $$"]).output().expect("there is a shell");
        String::from_utf8_lossy(&output.stdout).trim().parse::<i64>().expect("a number")
    });
    let span = only(&spans);
    span.is_ok();
    span.has("process.pid", spans.value).has("process.exit.code", 0).has("process.executable.name", "sh");
    span.has("process.executable.path", "/bin/sh").has_no("process.command_args").has_no("error.type");
    assert_eq!((span.name(), span.kind()), ("sh", SpanKind::Client));
}

#[test]
fn arguments_are_recorded_only_if_asked_for() {
    let spans = capture(|| traced_command("true").arg("--token=secret").record_args().status());
    let span = only(&spans);
    span.has("process.command_args", vec!["true", "--token=secret"]);
    let command = format!("{:?}", traced_command("true").arg("--token=secret").env("TOKEN", "secret"));
    assert_eq!(command, "TracedCommand { program: \"true\", .. }");
}

#[test]
fn an_exit_code_is_an_error_type() {
    let spans = capture(|| traced_command("sh").args(["-c", "exit 3"]).span_name("check").status());
    let span = only(&spans);
    assert_eq!(spans.value.as_ref().expect("it starts").code(), Some(3));
    assert_eq!(span.is_error().status(), &Status::error("exit code 3"));
    span.has("process.exit.code", 3).has("error.type", "3");
    assert_eq!(span.name(), "check");
}

#[test]
fn a_signal_is_an_error_type() {
    let spans = capture(|| traced_command("sh").args(["-c", "kill -9 $$"]).status());
    let span = only(&spans);
    assert_eq!(span.is_error().status(), &Status::error("killed by SIGKILL"));
    span.has("error.type", "SIGKILL").has_no("process.exit.code");
}

#[test]
fn what_cannot_be_started_says_why() {
    let spans = capture(|| traced_command("/no/such/program").attribute("app.step", 1).status());
    let span = only(&spans);
    assert_eq!(spans.value.as_ref().expect_err("there is none").kind(), std::io::ErrorKind::NotFound);
    span.has("error.type", "not_found").has_no("process.pid").has("app.step", 1);
    assert_eq!(span.events().count(), 1);
}

#[test]
fn a_child_that_nobody_waits_for_is_detached() {
    let spans = capture(|| {
        let mut child = traced_command("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it starts");
        assert!(child.try_wait().expect("it runs").is_none());
        // Its end is the end of its input.
        let (mut child, span) = child.into_parts();
        drop(span);
        child.wait().expect("it ends");
    });
    let span = only(&spans);
    span.is_ok();
    span.has("otelier.process.detached", true).has_no("process.exit.code");
}

#[test]
fn a_command_may_be_used_again_and_each_process_has_a_span() {
    let spans = capture(|| {
        let mut command = traced_command("sh");
        command.args(["-c", "cat; exit 1"]).stdin(Stdio::null());
        assert_eq!(command.output().expect("it starts").status.code(), Some(1));
        // Nothing stays piped that nobody waits for.
        let mut child = command.spawn().expect("it starts");
        assert!(child.stdout.is_none() && child.stderr.is_none());
        assert!(child.wait().is_ok() && child.wait().is_ok());
        let (mut plain, span) = command.into_parts();
        span.started(None);
        span.exited(plain.status().expect("it starts"));
    });
    assert_eq!(spans.len(), 3);
    for span in spans.iter() {
        span.has("process.exit.code", 1);
    }
}

#[test]
fn a_command_of_the_standard_library_keeps_its_streams() {
    let spans = capture(|| {
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo err >&2"]).stderr(Stdio::null());
        TracedCommand::from(command).output().expect("it starts")
    });
    let span = only(&spans);
    let output = &spans.value;
    assert_eq!((&*output.stdout, &*output.stderr), (&b"out\n"[..], &b""[..]));
    span.has("process.exit.code", 0).has_no("process.pid");
}

#[test]
fn labels_for_prefect_are_those_of_the_active_span() {
    let spans = capture(|| otelier::in_span("start", |_| otelier::prefect::labels()));
    let parent = otelier::prefect::parent(&spans.value).unwrap_or_else(Context::new);
    let span = only(&spans);
    assert_eq!(parent.span().span_context().span_id(), span.span_context().span_id());
}
