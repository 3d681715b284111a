//! `otelier sampling simulate`, on spans that our own exporter wrote.

use crate::{folder, otelier, printed, refused};
use otelier::config::{Exporter, OtlpFile};
use otelier::opentelemetry::trace::{Span as _, SpanKind, Status, TraceContextExt, Tracer};
use otelier::opentelemetry::{Context, KeyValue, global};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

const SPANS: &str = include_str!("spans.jsonl");

const RULES: &str = r#"file_format: "1.1"
tracer_provider:
  processors: [{simple: {exporter: {console: }}}]
distribution:
  otelier:
    tail_sampling:
      rules:
        - {name: health, keep: never, attribute_values: {key: url.path, values: [/health]}}
        - {name: premium, keep: always, attribute_values: {key: business.customer.tier, values: [premium]}}
        - {name: worth, keep: always, attribute_ranges: {key: business.value, min: 1000}}
        - {name: clients, keep: {traces_per_second: 1000}, span_names: ["nothing *"], span_kinds: [client]}
      failed: true
      ratio: 0
"#;

/// Fifty requests, each with a query: five look after health, five fail in the query, five are of good customers, one is worth
/// much.
fn write_spans(path: &std::path::Path) {
    let _ = fs::remove_file(path);
    let settings =
        otelier::Telemetry::default().with_service_name("shop").with_exporter(Exporter::OtlpFile(OtlpFile::to(path)));
    let guard = otelier::init(settings).unwrap();
    let tracer = global::tracer("shop");
    for number in 0..50 {
        let path = if number % 10 == 0 { "/health" } else { "/orders" };
        let tier = if number % 10 == 1 { "premium" } else { "free" };
        let root = tracer.span_builder("GET /").with_kind(SpanKind::Server).with_attributes([
            KeyValue::new("url.path", path),
            KeyValue::new("business.customer.tier", tier),
            KeyValue::new("business.value", if number == 25 { 5000.0 } else { 1.5 }),
        ]);
        let root = Context::new().with_span(root.start(&tracer));
        let mut query = tracer.span_builder("SELECT").with_kind(SpanKind::Client).start_with_context(&tracer, &root);
        if number % 10 == 2 {
            query.set_status(Status::error("no such table"));
        }
        query.end();
        root.span().end();
    }
    guard.shutdown().unwrap();
}

#[test]
#[ignore = "writes the fixture anew, with other ids and times: `cargo test -p otelier-cli --test it the_spans_are_written_anew -- --ignored`"]
fn the_spans_are_written_anew() {
    let path = crate::workspace().join("cli/tests/it/sampling/spans.jsonl");
    write_spans(&path);
    // What machine it was is nobody's business.
    let mut text = String::new();
    for line in fs::read_to_string(&path).unwrap().lines() {
        let mut request: Value = serde_json::from_str(line).unwrap();
        let attributes = request["resourceSpans"][0]["resource"]["attributes"].as_array_mut().unwrap();
        attributes.retain(|attribute| attribute["key"] == "service.name");
        text.push_str(&format!("{request}\n"));
    }
    fs::write(path, text).unwrap();
}

/// A folder with the rules and the spans.
fn files(test: &str) -> [String; 2] {
    let folder = folder(&format!("sampling-{test}"));
    fs::write(folder.join("otel.yaml"), RULES).unwrap();
    fs::write(folder.join("spans.jsonl"), SPANS).unwrap();
    ["otel.yaml", "spans.jsonl"].map(|name| folder.join(name).display().to_string())
}

fn simulate<'a>(rules: &'a str, input: &'a str) -> Vec<&'a str> {
    vec!["sampling", "simulate", "--rules", rules, "--input", input]
}

#[test]
fn the_table_has_every_rule_with_what_it_keeps() {
    let [rules, spans] = files("table");
    let text = printed(&simulate(&rules, &spans), 0);
    let rows: Vec<Vec<&str>> =
        text.lines().map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()).collect();
    assert_eq!(rows[0], ["decided by", "traces", "kept", "share", "spans kept", "spans/s", "MB/h"]);
    for (row, expected) in rows[1..].iter().zip([
        ["tail rule `health`", "5", "0", "0.0 %", "0"],
        ["tail rule `premium`", "5", "5", "100.0 %", "10"],
        ["tail rule `worth`", "1", "1", "100.0 %", "2"],
        ["tail rule `clients`", "0", "0", "0.0 %", "0"],
        ["tail rule `failed`", "5", "5", "100.0 %", "10"],
        ["tail ratio", "34", "0", "0.0 %", "0"],
        ["all", "50", "11", "22.0 %", "22"],
    ]) {
        assert_eq!(row[..5], expected, "{text}");
    }
    assert!(text.contains("\n100 spans of 50 traces in "), "{text}");
    assert!(text.contains("\nThat is less than a second: spans/s and MB/h say little\n"), "{text}");
}

#[test]
fn json_says_the_same_and_more() {
    let [rules, spans] = files("json");
    let arguments = [simulate(&rules, &spans), vec!["--json"]].concat();
    let report: Value = serde_json::from_str(&printed(&arguments, 0)).unwrap();
    assert_eq!(
        (&report["spans"], &report["traces"], &report["kept"]["spans"]),
        (&100.into(), &50.into(), &22.0.into())
    );
    assert_eq!(report["lines"][1]["rule"], "premium");
    let bytes = report["seen"]["bytes"].as_f64().unwrap();
    assert!((bytes / SPANS.trim_end().len() as f64 - 1.0).abs() < 0.01, "all bytes are somebody's: {bytes}");
}

#[test]
fn standard_input_is_read_too() {
    let [rules, _] = files("stdin");
    let mut command = Command::new(env!("CARGO_BIN_EXE_otelier"));
    command.args(simulate(&rules, "-")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut command = command.spawn().unwrap();
    command.stdin.take().unwrap().write_all(SPANS.as_bytes()).unwrap();
    let output = command.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).contains("100 spans of 50 traces"));
}

#[test]
fn compressed_files_are_read_and_cut_ones_are_told() {
    let [rules, spans] = files("gzip");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(SPANS.as_bytes()).unwrap();
    let compressed = encoder.finish().unwrap();
    fs::write(&spans, &compressed).unwrap();
    assert!(printed(&simulate(&rules, &spans), 0).contains("100 spans of 50 traces"));
    fs::write(&spans, &compressed[..compressed.len() / 2]).unwrap();
    assert!(refused(&simulate(&rules, &spans)).contains(": the input cannot be read: "));
}

#[test]
fn requests_laid_out_over_lines_say_the_same() {
    let [rules, spans] = files("pretty");
    let plain: Value = serde_json::from_str(&printed(&[simulate(&rules, &spans), vec!["--json"]].concat(), 0)).unwrap();
    let requests = SPANS.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    fs::write(&spans, format!("\u{feff}{}", requests.map(|request| format!("{request:#}\n")).collect::<String>()))
        .unwrap();
    let pretty: Value =
        serde_json::from_str(&printed(&[simulate(&rules, &spans), vec!["--json"]].concat(), 0)).unwrap();
    assert_eq!(pretty["lines"].as_array().unwrap().len(), plain["lines"].as_array().unwrap().len());
    for key in ["spans", "traces", "seconds", "skipped_lines", "share"] {
        assert_eq!(pretty[key], plain[key], "{key}");
    }
}

#[test]
fn what_others_write_is_named_with_what_to_do() {
    let [rules, spans] = files("foreign");
    let all: Vec<Value> = SPANS.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let array = serde_json::to_string_pretty(&all).unwrap();
    for (text, what) in [
        (array.as_bytes(), ":1: this is a JSON array of requests; expected requests of OTLP as JSON"),
        (b"[{\"traceId\":\"1\",\"id\":\"2\",\"localEndpoint\":{}}]", ":1: this is a JSON array of Zipkin spans; "),
        (b"{\"data\":[{\"traceID\":\"1\",\"spans\":[]}]}", ":1: this is JSON of Jaeger, "),
        (b"\x0a\x10\x0a\x0e\x0a\x0c", ": this is protobuf; "),
        (b"\x28\xb5\x2f\xfd\x04", ":1: this is compressed with zstd; "),
    ] {
        fs::write(&spans, text).unwrap();
        let error = refused(&simulate(&rules, &spans));
        assert!(error.starts_with(&format!("error: {spans}")) && error.contains(what), "{error}");
        assert!(error.contains("\n  help: "), "{error}");
    }
}

#[test]
fn lines_that_cannot_be_read_are_told_or_skipped() {
    let [rules, spans] = files("lines");
    fs::write(&spans, format!("{}\nnothing\n[1]\n", SPANS.trim_end())).unwrap();
    let number = SPANS.trim_end().lines().count() + 1;
    let error = refused(&simulate(&rules, &spans));
    assert!(error.starts_with(&format!("error: {spans}:{number}: this is no OTLP in JSON: ")), "{error}");
    assert!(error.ends_with("help: `--keep-going` skips lines that cannot be read\n"), "{error}");
    let output = otelier(&[simulate(&rules, &spans), vec!["--keep-going"]].concat());
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).ends_with("2 lines were skipped\n"));
    assert!(String::from_utf8_lossy(&output.stderr).contains(&format!("warning: {spans}:{number}: skipped: ")));
}

#[test]
fn what_cannot_be_used_ends_with_code_2() {
    let [rules, spans] = files("mistakes");
    assert!(
        refused(&simulate(&rules, "/nowhere/spans.jsonl"))
            .starts_with("error: `/nowhere/spans.jsonl` cannot be read: ")
    );
    assert!(
        refused(&simulate("/nowhere/otel.yaml", &spans)).starts_with("error: `/nowhere/otel.yaml` cannot be read: ")
    );
    fs::write(&rules, RULES.replace("ratio: 0", "ratio: 7").replace("keep: never", "keep: maybe")).unwrap();
    let error = refused(&simulate(&rules, &spans));
    assert!(error.contains("rules[0].keep` is a text; expected `always`, `never` or a mapping with"), "{error}");
    assert!(error.contains("tail_sampling.ratio` is `7`; expected a number from 0 to 1"), "{error}");
    let [rules, spans] = files("empty");
    fs::write(&spans, "").unwrap();
    let error = refused(&simulate(&rules, &spans));
    assert!(
        error.starts_with(&format!("error: `{spans}` is empty; expected requests of OTLP as JSON, such as")),
        "{error}"
    );
    fs::write(&spans, "{\"resourceLogs\":[]}\n").unwrap();
    let error = refused(&simulate(&rules, &spans));
    assert!(error.contains("there are no spans in ") && error.contains("log records or metrics alone?"), "{error}");
    let folder = std::path::Path::new(&spans).parent().unwrap().to_str().unwrap();
    let error = refused(&simulate(&rules, folder));
    assert!(
        error.starts_with(&format!("error: `{folder}` is a directory; expected a file behind `--input`")),
        "{error}"
    );
    assert!(refused(&["sampling", "simulate", "--rules", &rules]).contains("--input"));
}
