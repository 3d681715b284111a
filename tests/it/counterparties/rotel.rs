//! rotel, a collector in Rust: everything goes through it to a receiver of ours, and its debug log tells what it understood.

use super::facts::{Facts, Spans, spans_of};
use super::losses::{Loss, compare};
use super::made::{ALL, Made, send, send_numbers};
use super::program::{Program, Running, WAIT, eventually, listens, python};
use super::value::Value;
use crate::support::turn;
use otelier::config::Protocol;
use otelier_tests::{Behaviour, Receiver};
use std::path::{Path, PathBuf};
use std::process::Command;

const ROTEL: Program = Program { name: "rotel-agent", variable: "OTELIER_TEST_ROTEL", install: "pip install rotel" };

/// It hands on what it gets, to the last field.
const LOSSES: &[Loss] = &[];

/// The wheel keeps the program among its modules, where no `PATH` leads to.
fn among_modules() -> Option<PathBuf> {
    let code = "import importlib.util as u; print(u.find_spec('rotel').submodule_search_locations[0] + '/rotel-agent')";
    let asked = python(&mut Command::new("python3")).args(["-c", code]).output().ok()?;
    let path = PathBuf::from(String::from_utf8(asked.stdout).ok()?.trim());
    path.is_file().then_some(path)
}

/// Where it is, if it is installed.
pub(super) fn find() -> Option<PathBuf> {
    ROTEL.find_or(among_modules)
}

/// How it is started: it sends to `to` by gRPC.
pub(super) fn command(program: &Path, to: &Receiver, [grpc, http]: [u16; 2]) -> Command {
    let mut command = Command::new(program);
    command.args(["start", "--exporter", "otlp", "--otlp-exporter-protocol", "grpc"]);
    command.args(["--otlp-exporter-endpoint", &to.endpoint()]);
    command.args(["--otlp-grpc-endpoint", &format!("127.0.0.1:{grpc}")]);
    command.args(["--otlp-http-endpoint", &format!("127.0.0.1:{http}")]);
    command.args(["--debug-log", "traces", "--debug-log-verbosity", "detailed"]);
    command
}

/// Whether it listens at both.
pub(super) fn is_ready(ports: [u16; 2]) -> bool {
    ports.into_iter().all(listens)
}

/// The collector's own words for a kind of span.
fn kind(kind: &str) -> String {
    format!("SPAN_KIND_{}", kind.to_uppercase())
}

/// The collector's own notation of a value.
fn value(value: &Value) -> String {
    match value {
        Value::Bool(value) => format!("Bool({value})"),
        Value::Int(value) => format!("Int({value})"),
        Value::Double(value) => format!("Double({value})"),
        Value::Text(text) => format!("Str({text})"),
        Value::List(values) => format!("Slice({})", values.iter().map(self::value).collect::<Vec<_>>().join(", ")),
    }
}

/// What the collector's debug log has to say of a span.
fn told(facts: &Facts) -> Vec<String> {
    let quoted = |name: &str| Value::of(&format!("string {}", facts[name])).text();
    let mut told = vec![
        format!("    Trace ID       : {}\n", facts["trace"]),
        format!("    Parent ID      : {}\n", facts["parent"]),
        format!("    Name           : {}\n", quoted("name")),
        format!("    Kind           : {}\n", kind(&facts["kind"])),
        format!("    TraceState     : {}\n", facts["state"]),
        format!("Start time: {}\n", facts["start"]),
        format!("End time: {}\n", facts["end"]),
    ];
    if facts["status code"] != "unset" {
        told.push(format!("    Status code    : STATUS_CODE_{}\n", facts["status code"].to_uppercase()));
        told.push(format!("    Status message : {}\n", quoted("status message")));
    }
    for (name, fact) in facts {
        if let Some(key) = name.strip_prefix("attribute ") {
            told.push(format!("\n     -> {key}: {}\n", value(&Value::of(fact))));
        }
        let Some((number, what)) = name.split_once(' ').and_then(|(_, rest)| rest.split_once(' ')) else { continue };
        let Ok(_) = number.parse::<usize>() else { continue };
        let is_link = name.starts_with("link ");
        told.push(match what {
            "name" => format!("     -> Name: {}\n", quoted(name)),
            "time" => format!("     -> Timestamp: {fact}\n"),
            "trace" => format!("     -> Trace ID: {fact}\n"),
            "span" => format!("     -> ID: {fact}\n"),
            "state" => format!("     -> TraceState: {fact}\n"),
            "dropped" => format!("     -> DroppedAttributesCount: {fact}\n"),
            // Those of links are not in the log.
            "flags" if is_link => continue,
            _ => {
                let key = what.strip_prefix("attribute ").expect("nothing else is known of events and links");
                format!("\n          -> {key}: {}\n", value(&Value::of(fact)))
            }
        });
    }
    told
}

/// Whether the debug log tells all of a span.
fn is_told(log: &str, facts: &Facts) -> Result<(), String> {
    let (id, name) = (format!("\n    ID             : {}\n", facts["span"]), &facts["name"]);
    let at = log.find(&id).ok_or_else(|| format!("{name} is not in the log"))?;
    let begin = log[..at].rfind("\nSpan #").ok_or("a span without a beginning")?;
    let ends = ["\nSpan #", "\nScopeSpans #", "\nResourceSpans #"].map(|end| log[at..].find(end));
    let end = ends.into_iter().flatten().min().map_or(log.len(), |end| at + end + 1);
    // The last line may be one that is still being written.
    let block = &log[begin..end];
    match told(facts).into_iter().find(|line| !block.contains(line)) {
        Some(missing) => Err(format!("{name}: the log has no {missing:?}")),
        None => Ok(()),
    }
}

/// What has come through of one run.
fn came_through(receiver: &Receiver, made: &Made) -> Spans {
    let all = receiver.requests();
    let spans = spans_of(all.iter().flat_map(|request| &request.resource_spans));
    spans.into_iter().filter(|(_, facts)| facts["trace"] == made.trace).collect()
}

#[test]
fn spans_come_through_rotel_unchanged_in_every_encoding() {
    let Some(program) = find() else { return };
    let _turn = turn();
    let receiver = Receiver::grpc(Behaviour::Accept).expect("loopback has a free port");
    let (rotel, [grpc, http]) = Running::start("rotel", |ports, _| command(&program, &receiver, ports), is_ready);
    let mut sent = 0;
    for encoding in ALL {
        let otlp = encoding.to(grpc, http);
        let made = if encoding.0 == Protocol::HttpJson {
            // It knows numbers alone, where OTLP's JSON has the texts of protobuf for those that are none.
            send(otlp.clone()).was_refused("answered 400", &encoding.to_string());
            send_numbers(otlp)
        } else {
            send(otlp)
        };
        made.arrived(&format!("{encoding}: {}", rotel.last_words()));
        sent += made.spans.len();
        receiver.wait_for(sent, WAIT);
        compare(&made.spans, &came_through(&receiver, &made), LOSSES, &encoding.to_string());
        eventually(|| {
            let log = rotel.output();
            made.spans.values().try_for_each(|facts| is_told(&log, facts))
        });
    }
}
