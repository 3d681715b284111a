//! otelite, a trace store in Rust.

use super::facts::{Facts, Spans, put, quote};
use super::losses::{Loss, changed, compare, gone};
use super::made::{GRPC, GRPC_GZIP, JSON, JSON_GZIP, Made, PROTOBUF, PROTOBUF_GZIP, send, send_numbers};
use super::program::{Program, Running, eventually, get, listens};
use super::value;
use crate::support::turn;
use otelier::config::Protocol;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

const OTELITE: Program =
    Program { name: "otelite", variable: "OTELIER_TEST_OTELITE", install: "cargo install otelite --locked" };

const LOSSES: &[Loss] = &[
    changed("*attribute *", in_text, "all values are texts"),
    gone("state", "there is no place for it"),
    gone("flags", "there is no place for them"),
    gone("dropped *", "there is no place for them"),
    gone("event * dropped", "there is no place for them"),
    gone("link *", "there is no place for them"),
    gone("scope attribute *", "name and version are kept alone"),
    gone("scope schema", "name and version are kept alone"),
    gone("resource schema", "there is no place for it"),
];

fn in_text(notation: &str) -> String {
    format!("string {:?}", value::Value::of(notation).text())
}

fn start(program: &Path) -> (Running, [u16; 3]) {
    let command = |[grpc, http, api]: [u16; 3], folder: &Path| {
        let mut command = Command::new(program);
        command.args(["serve", "--addr", &format!("127.0.0.1:{api}")]).arg("--storage-path").arg(folder);
        command.env("HOME", folder);
        // Ports of OTLP are told by variables alone.
        command.envs([("OTELITE_OTLP_GRPC_PORT", grpc.to_string()), ("OTELITE_OTLP_HTTP_PORT", http.to_string())]);
        command
    };
    let is_ready = |[grpc, http, api]: [u16; 3]| [grpc, http, api].into_iter().all(listens);
    Running::start("otelite", command, is_ready)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn attributes(facts: &mut Facts, prefix: &str, all: &Value) {
    for (key, one) in all.as_object().into_iter().flatten() {
        put(facts, format!("{prefix}attribute {key}"), format!("string {:?}", text(one)));
    }
}

fn facts(span: &Value) -> Facts {
    let mut facts = Facts::new();
    quote(&mut facts, "name", text(&span["name"]));
    put(&mut facts, "trace", text(&span["trace_id"]));
    put(&mut facts, "span", text(&span["span_id"]));
    put(&mut facts, "parent", text(&span["parent_span_id"]));
    put(&mut facts, "kind", text(&span["kind"]).to_lowercase());
    put(&mut facts, "start", &span["start_time"]);
    put(&mut facts, "end", &span["end_time"]);
    put(&mut facts, "status code", text(&span["status"]["code"]).to_lowercase());
    quote(&mut facts, "status message", text(&span["status"]["message"]));
    attributes(&mut facts, "", &span["attributes"]);
    // These are attributes of the span, as the specification has it for formats without scopes.
    for what in ["name", "version"] {
        let kept = facts.remove(&format!("attribute otel.scope.{what}")).unwrap_or_default();
        put(&mut facts, format!("scope {what}"), kept.trim_start_matches("string "));
    }
    for (number, event) in span["events"].as_array().into_iter().flatten().enumerate() {
        quote(&mut facts, format!("event {number} name"), text(&event["name"]));
        put(&mut facts, format!("event {number} time"), &event["timestamp"]);
        attributes(&mut facts, &format!("event {number} "), &event["attributes"]);
    }
    attributes(&mut facts, "resource ", &span["resource"]["attributes"]);
    facts
}

fn kept(api: u16, made: &Made) -> Spans {
    eventually(|| {
        let answer = get(api, &format!("/api/traces/{}", made.trace))?;
        let answer: Value = serde_json::from_str(&answer).map_err(|error| error.to_string())?;
        let spans = answer["spans"].as_array().ok_or("no spans")?;
        let spans: Spans = spans.iter().map(facts).map(|facts| (facts["span"].clone(), facts)).collect();
        if spans.len() < made.spans.len() {
            return Err(format!("{} of {} spans are there", spans.len(), made.spans.len()));
        }
        Ok(spans)
    })
}

#[test]
fn otelite_keeps_what_it_has_a_place_for() {
    let Some(program) = OTELITE.find() else { return };
    let (otelite, [grpc, http, api]) = start(&program);
    let _turn = turn();
    for encoding in [GRPC, PROTOBUF, PROTOBUF_GZIP, JSON, JSON_GZIP] {
        let otlp = encoding.to(grpc, http);
        let made = if encoding.0 == Protocol::HttpJson { send_numbers(otlp) } else { send(otlp) };
        made.arrived(&format!("{encoding}: {}", otelite.last_words()));
        compare(&made.spans, &kept(api, &made), LOSSES, &encoding.to_string());
    }
    send(GRPC_GZIP.to(grpc, http)).was_refused("answered Unimplemented", &GRPC_GZIP.to_string());
    send(JSON.to(grpc, http)).was_refused("answered 400", "doubles that JSON has no numbers for");
}
