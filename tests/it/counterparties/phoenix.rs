//! Arize Phoenix, a trace store for language models, in Python.

use super::facts::{Facts, Spans, put, quote};
use super::losses::{Loss, changed, compare, gone, renamed};
use super::made::{GRPC, GRPC_GZIP, JSON, JSON_GZIP, Made, PROTOBUF, PROTOBUF_GZIP, send};
use super::program::{Program, Running, eventually, get, listens, python};
use crate::support::turn;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

const PHOENIX: Program =
    Program { name: "phoenix", variable: "OTELIER_TEST_PHOENIX", install: "pip install arize-phoenix" };

const LOSSES: &[Loss] = &[
    changed("start", micros, "times are kept in microseconds, and go through a double of seconds"),
    changed("end", micros, "times are kept in microseconds, and go through a double of seconds"),
    changed("event * time", micros, "times are kept in microseconds, and go through a double of seconds"),
    gone("kind", "its kinds are those of OpenInference"),
    gone("state", "there is no place for it"),
    gone("flags", "there is no place for them"),
    gone("dropped *", "there is no place for them"),
    gone("event * dropped", "there is no place for them"),
    gone("event * attribute code.*", "an exception keeps what the conventions say of exceptions alone"),
    gone("attribute double.*nan", "JSON has no number for it"),
    gone("attribute double.*infinite", "JSON has no number for it"),
    renamed("attribute digits.007", "attribute digits.7", "parts of a name that are numbers are places in a list"),
    gone("link *", "there is no place for them"),
    gone("scope *", "there is no place for it"),
    gone("resource *", "it serves to choose the project alone"),
];

/// As Python makes a time of seconds in a double.
fn micros(nanos: &str) -> String {
    let seconds = nanos.parse::<u64>().expect("a time") as f64 / 1e9;
    format!("{}", (seconds.trunc() as u64 * 1_000_000 + (seconds.fract() * 1e6).round_ties_even() as u64) * 1000)
}

fn start(program: &Path) -> (Running, [u16; 2]) {
    let command = |[grpc, http]: [u16; 2], folder: &Path| {
        let mut command = Command::new(program);
        python(&mut command).arg("serve").envs([
            ("PHOENIX_HOST", "127.0.0.1".to_owned()),
            ("PHOENIX_PORT", http.to_string()),
            ("PHOENIX_GRPC_PORT", grpc.to_string()),
            ("PHOENIX_WORKING_DIR", folder.display().to_string()),
            ("PHOENIX_TELEMETRY_ENABLED", "false".to_owned()),
        ]);
        command
    };
    Running::start("phoenix", command, |[grpc, http]| listens(grpc) && get(http, "/healthz").is_ok())
}

/// A value of an attribute, which is JSON here.
fn value(value: &Value) -> String {
    match value {
        Value::Bool(value) => format!("bool {value}"),
        Value::Number(number) => number.as_i64().map_or_else(
            || format!("double {:#x}", number.as_f64().expect("a number").to_bits()),
            |number| format!("int {number}"),
        ),
        Value::String(text) => format!("string {text:?}"),
        Value::Array(values) => format!("[{}]", values.iter().map(self::value).collect::<Vec<_>>().join(", ")),
        other => format!("{other}"),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Nanoseconds since 1970 of a time such as `2023-11-14T22:13:20.123456+00:00`.
fn nanos(time: &str) -> String {
    let (seconds, fraction) = time.strip_suffix("+00:00").expect("UTC").split_once('.').unwrap_or((&time[..19], ""));
    let parts: Vec<i64> = seconds.split(['-', 'T', ':']).map(|part| part.parse().expect("a number")).collect();
    let [year, month, day, hour, minute, second] = parts[..] else { panic!("not a time: {time}") };
    // Days since 1970-01-01, counted in years that begin in March.
    let (years, months) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * years + years / 4 - years / 100 + years / 400 + (153 * months + 2) / 5 + day - 1 - 719_468;
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    format!("{seconds}{fraction:0<9}")
}

fn attributes(facts: &mut Facts, prefix: &str, all: &Value) {
    for (key, one) in all.as_object().into_iter().flatten() {
        put(facts, format!("{prefix}attribute {key}"), value(one));
    }
}

fn facts(span: &Value) -> Facts {
    let mut facts = Facts::new();
    quote(&mut facts, "name", text(&span["name"]));
    put(&mut facts, "trace", text(&span["context"]["trace_id"]));
    put(&mut facts, "span", text(&span["context"]["span_id"]));
    put(&mut facts, "parent", text(&span["parent_id"]));
    put(&mut facts, "start", nanos(text(&span["start_time"])));
    put(&mut facts, "end", nanos(text(&span["end_time"])));
    put(&mut facts, "status code", text(&span["status_code"]).to_lowercase());
    quote(&mut facts, "status message", text(&span["status_message"]));
    attributes(&mut facts, "", &span["attributes"]);
    for (number, event) in span["events"].as_array().into_iter().flatten().enumerate() {
        quote(&mut facts, format!("event {number} name"), text(&event["name"]));
        put(&mut facts, format!("event {number} time"), nanos(text(&event["timestamp"])));
        attributes(&mut facts, &format!("event {number} "), &event["attributes"]);
    }
    facts
}

fn kept(http: u16, made: &Made) -> Spans {
    eventually(|| {
        let path = format!("/v1/projects/default/spans?limit=1000&trace_id={}", made.trace);
        let answer: Value = serde_json::from_str(&get(http, &path)?).map_err(|error| error.to_string())?;
        let spans = answer["data"].as_array().ok_or("no spans")?;
        let spans: Spans = spans.iter().map(facts).map(|facts| (facts["span"].clone(), facts)).collect();
        if spans.len() < made.spans.len() {
            return Err(format!("{} of {} spans are there", spans.len(), made.spans.len()));
        }
        Ok(spans)
    })
}

#[test]
fn phoenix_keeps_what_it_has_a_place_for() {
    let Some(program) = PHOENIX.find() else { return };
    let (phoenix, [grpc, http]) = start(&program);
    let _turn = turn();
    for encoding in [PROTOBUF, PROTOBUF_GZIP, GRPC, GRPC_GZIP] {
        let made = send(encoding.to(grpc, http));
        made.arrived(&format!("{encoding}: {}", phoenix.last_words()));
        compare(&made.spans, &kept(http, &made), LOSSES, &encoding.to_string());
    }
    for encoding in [JSON, JSON_GZIP] {
        send(encoding.to(grpc, http)).was_refused("answered 415", &encoding.to_string());
    }
}
