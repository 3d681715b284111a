//! Prefect, an orchestrator of flows in Python: a service of ours starts a run of a flow, a task of that starts a process of
//! ours, and all of it is one trace.

use super::program::{Program, Running, get, post, python};
use crate::support::turn;
use opentelemetry::trace::TraceContextExt;
use otelier::export::MemoryExporter;
use otelier::prelude::*;
use otelier::{Pipeline, prefect, process};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const PREFECT: Program = Program {
    name: "python3 with prefect",
    variable: "OTELIER_TEST_PREFECT",
    install: "pip install prefect opentelemetry-sdk",
};

/// Set in the process that a task starts, which is this program again.
const CHILD: &str = "OTELIER_TEST_PREFECT_CHILD";
const FLOWS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/it/counterparties/prefect_flows.py");
/// A run is looked for every second, and starts a Python of its own.
const RUN: Duration = Duration::from_secs(120);

/// A Python that has all of it.
fn find() -> Option<PathBuf> {
    PREFECT.find_or(|| {
        let code = "import importlib.util as u, sys
print(sys.executable if u.find_spec('prefect') and u.find_spec('opentelemetry.sdk') else '')";
        let asked = python(&mut Command::new("python3")).args(["-c", code]).output().ok()?;
        let path = PathBuf::from(String::from_utf8(asked.stdout).ok()?.trim());
        path.is_file().then_some(path)
    })
}

fn settings(program: &Path, folder: &Path, port: u16) -> Command {
    let mut command = Command::new(program);
    python(&mut command).envs([
        ("PREFECT_HOME", folder.join("home").display().to_string()),
        ("PREFECT_API_URL", format!("http://127.0.0.1:{port}/api")),
        ("PREFECT_SERVER_ANALYTICS_ENABLED", "false".to_owned()),
        ("PREFECT_RUNNER_POLL_FREQUENCY", "1".to_owned()),
        ("DO_NOT_TRACK", "1".to_owned()),
    ]);
    command
}

fn asked(answer: Result<String, String>) -> Value {
    let body = answer.unwrap_or_else(|error| panic!("{error}"));
    serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"))
}

/// A span, as the programs tell it.
#[derive(Debug, PartialEq)]
struct Told {
    trace: String,
    span: String,
    parent: String,
}

/// The spans by what they are of.
fn told(output: &str) -> HashMap<String, Told> {
    let lines = output.lines().filter_map(|line| line.split_once("@ ")).map(|(_, told)| told);
    let words = lines.map(|line| line.split(' ').map(str::to_owned).collect::<Vec<_>>());
    let spans = words.filter_map(|words| <[String; 4]>::try_from(words).ok());
    spans.map(|[what, trace, span, parent]| (what, Told { trace, span, parent })).collect()
}

#[trace(parent = process::parent())]
fn convert() {}

/// What the task starts: a process that has the trace from its environment.
#[test]
fn process_of_a_task() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let memory = MemoryExporter::new(10);
    let guard = Pipeline::new(Telemetry::default()).with_span_exporter(memory.clone()).start().expect("it starts");
    convert();
    guard.shutdown().expect("it ends");
    let span = &memory.spans()[0];
    let (context, parent) = (&span.span_context, span.parent_span_id);
    println!("\n@ process {} {} {parent}", context.trace_id(), context.span_id());
}

#[test]
fn a_run_and_the_process_of_its_task_are_in_the_trace_of_who_started_it() {
    let Some(program) = find() else { return };
    let serve = |[port]: [u16; 1], folder: &Path| {
        let mut command = settings(&program, folder, port);
        let arguments = ["-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port"];
        command.args(arguments).arg(port.to_string());
        command
    };
    let (server, [port]) = Running::start("prefect", serve, |[port]| get(port, "/api/health").is_ok());
    let own = std::env::current_exe().expect("this program has a path");
    let process = [&own.display().to_string(), "--exact", "counterparties::prefect::process_of_a_task", "--nocapture"];
    let flows = |[]: [u16; 0], folder: &Path| {
        let mut command = settings(&program, folder, port);
        command.env("PEER_COMMAND", process.join("\n")).env(CHILD, "1").arg(FLOWS);
        command
    };
    let path = "/api/deployments/name/nightly/peer";
    let (flows, []) = Running::start("flows", flows, |[]| get(port, path).is_ok());
    let deployment = asked(get(port, path));
    let id = deployment["id"].as_str().expect("an id");

    let _turn = turn();
    let guard = Pipeline::new(Telemetry::default()).start().expect("no other pipeline runs");
    let service = otelier::Span::start("start nightly");
    let body = service.in_scope(|| json!({ "labels": prefect::labels() }).to_string());
    let ids = service.span_context();
    service.end();
    let run = asked(post(port, &format!("/api/deployments/{id}/create_flow_run"), &body));

    let begun = Instant::now();
    let spans = loop {
        let spans = told(&flows.output());
        if ["flow", "task", "process"].iter().all(|what| spans.contains_key(*what)) {
            break spans;
        }
        assert!(begun.elapsed() < RUN, "{}\n{}", flows.last_words(), server.last_words());
        std::thread::sleep(Duration::from_millis(100));
    };
    // Each below the one before.
    let mut parent = ids.span_id().to_string();
    for what in ["flow", "task", "process"] {
        let span = &spans[what];
        assert_eq!((&span.trace, &span.parent), (&ids.trace_id().to_string(), &parent), "{what}: {spans:?}");
        parent.clone_from(&span.span);
    }

    // While it runs, the run's label says which span is the flow's.
    let run = asked(get(port, &format!("/api/flow_runs/{}", run["id"].as_str().expect("an id"))));
    let labels = run["labels"].as_object().expect("labels");
    let labels = labels.iter().filter_map(|(name, value)| Some((name, value.as_str()?)));
    let of_run = prefect::parent(labels).expect("a label");
    assert_eq!(of_run.span().span_context().span_id().to_string(), spans["flow"].span);

    // The other way to make a run keeps the label, too.
    let mut body: Value = serde_json::from_str(&body).expect("it is ours");
    body["flow_id"] = deployment["flow_id"].clone();
    let run = asked(post(port, "/api/flow_runs/", &body.to_string()));
    assert_eq!(run["labels"][prefect::LABEL], body["labels"][prefect::LABEL]);
    assert!(guard.shutdown().is_ok());
}
