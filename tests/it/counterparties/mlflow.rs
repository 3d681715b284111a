//! MLflow, which keeps traces beside experiments, in Python.

use super::facts::{Facts, Spans, hex, put, quote};
use super::losses::{Loss, changed, compare, gone};
use super::made::{JSON, JSON_GZIP, Made, PROTOBUF, PROTOBUF_GZIP, send};
use super::program::{Program, Running, eventually, get, python};
use crate::support::turn;
use otelier::config::Protocol;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

const MLFLOW: Program = Program { name: "mlflow", variable: "OTELIER_TEST_MLFLOW", install: "pip install mlflow" };

const LOSSES: &[Loss] = &[
    gone("kind", "there is no place for it"),
    gone("state", "there is no place for it"),
    gone("flags", "there is no place for them"),
    gone("dropped *", "there is no place for them"),
    gone("event * dropped", "there is no place for them"),
    gone("link * state", "there is no place for it"),
    gone("link * flags", "there is no place for them"),
    gone("link * dropped", "there is no place for them"),
    changed("attribute string.json", |_| UNDERSTOOD.to_owned(), "a text that is a JSON object is read"),
    gone("scope *", "there is no place for it"),
    gone("resource *", "it becomes tags of the trace"),
];

/// What is lost by JSON besides.
const BY_JSON: &[Loss] =
    &[gone("link *", "the ids of links are read as base64, and those that are too long are left out")];

/// `{"a": [1, 2]}` as a map of OTLP.
const UNDERSTOOD: &str = concat!(
    r#"kvlist_value {"values":[{"key":"a","value":{"array_value":"#,
    r#"{"values":[{"int_value":1},{"int_value":2}]}}}]}"#
);

/// What it adds to each span.
const ADDED: &str = "mlflow.traceRequestId";

fn start(program: &Path) -> (Running, [u16; 1]) {
    let command = |[port]: [u16; 1], folder: &Path| {
        let store = format!("sqlite:///{}", folder.join("m.db").display());
        let mut command = Command::new(program);
        python(&mut command).args(["server", "--host", "127.0.0.1", "--workers", "1", "--backend-store-uri", &store]);
        command.args(["--port", &port.to_string()]).env("MLFLOW_DISABLE_TELEMETRY", "true");
        // It runs `uvicorn` by this name.
        let path = std::env::var_os("PATH").unwrap_or_default();
        let own = program.parent().map(Path::to_path_buf);
        let path = std::env::join_paths(own.into_iter().chain(std::env::split_paths(&path))).expect("a path");
        command.env("PATH", path);
        command
    };
    Running::start("mlflow", command, |[port]| get(port, "/health").is_ok())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// What protobuf's JSON writes as a number, or as a text where JSON has no number for it.
fn double(value: &Value) -> f64 {
    match text(value) {
        "" => value.as_f64().expect("a number"),
        special => special.parse().expect("a number"),
    }
}

fn value(of: &Value) -> String {
    let of = of.as_object().expect("a value");
    let (kind, one) = of.iter().next().expect("a kind of value");
    match kind.as_str() {
        "bool_value" => format!("bool {one}"),
        "int_value" => format!("int {one}"),
        "double_value" => format!("double {:#x}", double(one).to_bits()),
        "string_value" => format!("string {:?}", text(one)),
        "array_value" => {
            let values = one["values"].as_array().into_iter().flatten();
            format!("[{}]", values.map(value).collect::<Vec<_>>().join(", "))
        }
        // Of no kind that is sent.
        other => format!("{other} {one}"),
    }
}

fn attributes(facts: &mut Facts, prefix: &str, all: &Value) {
    for one in all.as_array().into_iter().flatten().filter(|one| one["key"] != ADDED) {
        put(facts, format!("{prefix}attribute {}", text(&one["key"])), value(&one["value"]));
    }
}

/// An id, which is base64 here.
fn id(of: &Value) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::new();
    let (mut bits, mut length) = (0_u32, 0);
    for digit in text(of).bytes().filter(|&digit| digit != b'=') {
        let value = DIGITS.iter().position(|&other| other == digit).expect("base64") as u32;
        (bits, length) = (bits << 6 | value, length + 6);
        if length >= 8 {
            length -= 8;
            bytes.push((bits >> length) as u8);
        }
    }
    hex(&bytes)
}

fn facts(span: &Value) -> Facts {
    let mut facts = Facts::new();
    quote(&mut facts, "name", text(&span["name"]));
    put(&mut facts, "trace", id(&span["trace_id"]));
    put(&mut facts, "span", id(&span["span_id"]));
    put(&mut facts, "parent", id(&span["parent_span_id"]));
    put(&mut facts, "start", &span["start_time_unix_nano"]);
    put(&mut facts, "end", &span["end_time_unix_nano"]);
    let code = match text(&span["status"]["code"]) {
        "STATUS_CODE_OK" => "ok",
        "STATUS_CODE_ERROR" => "error",
        _ => "unset",
    };
    put(&mut facts, "status code", code);
    quote(&mut facts, "status message", text(&span["status"]["message"]));
    attributes(&mut facts, "", &span["attributes"]);
    for (number, event) in span["events"].as_array().into_iter().flatten().enumerate() {
        quote(&mut facts, format!("event {number} name"), text(&event["name"]));
        put(&mut facts, format!("event {number} time"), &event["time_unix_nano"]);
        attributes(&mut facts, &format!("event {number} "), &event["attributes"]);
    }
    for (number, link) in span["links"].as_array().into_iter().flatten().enumerate() {
        put(&mut facts, format!("link {number} trace"), id(&link["trace_id"]));
        put(&mut facts, format!("link {number} span"), id(&link["span_id"]));
        attributes(&mut facts, &format!("link {number} "), &link["attributes"]);
    }
    facts
}

fn kept(port: u16, made: &Made) -> Spans {
    eventually(|| {
        let path = format!("/api/3.0/mlflow/traces/get?trace_id=tr-{}", made.trace);
        let answer: Value = serde_json::from_str(&get(port, &path)?).map_err(|error| error.to_string())?;
        let spans = answer["trace"]["spans"].as_array().ok_or("no spans")?;
        let spans: Spans = spans.iter().map(facts).map(|facts| (facts["span"].clone(), facts)).collect();
        if spans.len() < made.spans.len() {
            return Err(format!("{} of {} spans are there", spans.len(), made.spans.len()));
        }
        Ok(spans)
    })
}

#[test]
fn mlflow_keeps_what_it_has_a_place_for() {
    let Some(program) = MLFLOW.find() else { return };
    let (mlflow, [port]) = start(&program);
    let _turn = turn();
    // It speaks no gRPC.
    for encoding in [PROTOBUF, PROTOBUF_GZIP, JSON, JSON_GZIP] {
        let made = send(encoding.to(0, port).with_header("x-mlflow-experiment-id", "0"));
        made.arrived(&format!("{encoding}: {}", mlflow.last_words()));
        let by_json = if encoding.0 == Protocol::HttpJson { BY_JSON } else { &[] };
        compare(&made.spans, &kept(port, &made), &[LOSSES, by_json].concat(), &encoding.to_string());
    }
    send(PROTOBUF.to(0, port)).was_refused("answered 422", "without an experiment");
}
