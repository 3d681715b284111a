//! `otlp-embedded`, Jaeger's page over a store in memory, in Rust. It is a library: the program is `tests/peers/otlp-embedded`.

use super::facts::{Facts, Spans, put, quote};
use super::losses::{Loss, changed, compare, gone};
use super::made::{GRPC, GRPC_GZIP, Made, send};
use super::program::{Program, Running, eventually, get, listens};
use super::value;
use crate::support::turn;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

const EMBEDDED: Program = Program {
    name: "otlp-embedded-peer",
    variable: "OTELIER_TEST_OTLP_EMBEDDED",
    install: "cargo install --path tests/peers/otlp-embedded",
};

const LOSSES: &[Loss] = &[
    changed("start", micros, "Jaeger has microseconds"),
    changed("event * time", micros, "Jaeger has microseconds"),
    // Lists are texts of JSON, and a double that JSON has no number for is null.
    changed("*attribute *", as_jaeger, "Jaeger has no lists, and JSON not all doubles"),
    gone("end", "Jaeger has a duration, in microseconds, which is compared with it"),
    gone("kind", "it is left out"),
    gone("status *", "it is left out"),
    gone("state", "there is no place for it"),
    gone("flags", "it is left out"),
    gone("dropped *", "there is no place for them"),
    gone("event * dropped", "there is no place for them"),
    gone("link * state", "there is no place for it"),
    gone("link * flags", "there is no place for them"),
    gone("link * dropped", "there is no place for them"),
    gone("link * attribute *", "there is no place for them"),
    gone("scope *", "it is left out"),
    gone("resource schema", "there is no place for it"),
];

fn micros(nanos: &str) -> String {
    (nanos.parse::<u64>().expect("a time") / 1000 * 1000).to_string()
}

fn as_jaeger(notation: &str) -> String {
    let value = value::Value::of(notation);
    match &value {
        value::Value::List(_) => format!("string {:?}", value.json().to_string()),
        value::Value::Double(double) if !double.is_finite() => "float64 null".to_owned(),
        _ => notation.to_owned(),
    }
}

fn start(program: &Path) -> (Running, [u16; 2]) {
    let command = |ports: [u16; 2], _: &Path| {
        let mut command = Command::new(program);
        command.args(ports.map(|port| port.to_string()));
        command
    };
    Running::start("otlp-embedded", command, |ports| ports.into_iter().all(listens))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn tags(facts: &mut Facts, prefix: &str, all: &Value) {
    for tag in all.as_array().into_iter().flatten() {
        let (kind, value) = (text(&tag["type"]), &tag["value"]);
        let value = match kind {
            "bool" => format!("bool {value}"),
            "int64" => format!("int {value}"),
            "float64" if !value.is_null() => {
                format!("double {:#x}", value.as_f64().expect("a number").to_bits())
            }
            "string" => format!("string {:?}", text(value)),
            other => format!("{other} {value}"),
        };
        put(facts, format!("{prefix}attribute {}", text(&tag["key"])), value);
    }
}

fn facts(span: &Value, process: &Value) -> Facts {
    let mut facts = Facts::new();
    quote(&mut facts, "name", text(&span["operationName"]));
    put(&mut facts, "trace", text(&span["traceID"]));
    put(&mut facts, "span", text(&span["spanID"]));
    put(&mut facts, "start", span["startTime"].as_u64().expect("a time") * 1000);
    tags(&mut facts, "", &span["tags"]);
    for (number, event) in span["logs"].as_array().into_iter().flatten().enumerate() {
        put(&mut facts, format!("event {number} time"), event["timestamp"].as_u64().expect("a time") * 1000);
        // It is a field among the others, under this name.
        let (names, fields): (Vec<_>, Vec<_>) =
            event["fields"].as_array().into_iter().flatten().cloned().partition(|one| one["key"] == "message");
        quote(&mut facts, format!("event {number} name"), names.first().map_or("", |one| text(&one["value"])));
        tags(&mut facts, &format!("event {number} "), &Value::Array(fields));
    }
    let references = span["references"].as_array().into_iter().flatten();
    let (links, parents): (Vec<_>, Vec<_>) = references.partition(|one| one["refType"] == "FOLLOWS_FROM");
    put(&mut facts, "parent", parents.first().map_or("", |parent| text(&parent["spanID"])));
    for (number, link) in links.into_iter().enumerate() {
        put(&mut facts, format!("link {number} trace"), text(&link["traceID"]));
        put(&mut facts, format!("link {number} span"), text(&link["spanID"]));
    }
    tags(&mut facts, "resource ", &process["tags"]);
    facts
}

/// The spans, and how long they took in microseconds.
fn kept(http: u16, made: &Made) -> (Spans, Vec<(String, u64)>) {
    eventually(|| {
        let answer = get(http, &format!("/api/traces/{}", made.trace))?;
        let answer: Value = serde_json::from_str(&answer).map_err(|error| error.to_string())?;
        let trace = &answer["data"][0];
        let spans = trace["spans"].as_array().ok_or("no spans")?;
        let durations = spans.iter().map(|span| (text(&span["spanID"]).to_owned(), span["duration"].as_u64().unwrap()));
        let durations = durations.collect();
        let spans = spans.iter().map(|span| facts(span, &trace["processes"][text(&span["processID"])]));
        let spans: Spans = spans.map(|facts| (facts["span"].clone(), facts)).collect();
        if spans.len() < made.spans.len() {
            return Err(format!("{} of {} spans are there", spans.len(), made.spans.len()));
        }
        Ok((spans, durations))
    })
}

#[test]
fn otlp_embedded_keeps_what_jaeger_has_a_place_for() {
    let Some(program) = EMBEDDED.find() else { return };
    let (embedded, [grpc, http]) = start(&program);
    let _turn = turn();
    let made = send(GRPC.to(grpc, 0));
    made.arrived(&embedded.last_words());
    let (spans, durations) = kept(http, &made);
    compare(&made.spans, &spans, LOSSES, &GRPC.to_string());
    for (id, micros) in durations {
        let nanos = |fact: &str| made.spans[&id][fact].parse::<u64>().expect("a time");
        assert_eq!(micros, (nanos("end") - nanos("start")) / 1000);
    }
    send(GRPC_GZIP.to(grpc, 0)).was_refused("answered Unimplemented", &GRPC_GZIP.to_string());
}
