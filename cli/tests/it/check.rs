//! `otelier schema check`.

use crate::shop::{REGISTRY, manifest, program};
use crate::{folder, otelier, printed, refused};
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn span(attributes: &str) -> String {
    let ids = r#""traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174""#;
    let span = format!(r#"{{{ids},"name":"sell spot","kind":3,"attributes":[{attributes}]}}"#);
    format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{span}]}}]}}]}}"#)
}

const WHOLE: &str = r#"{"key":"shop.market","value":{"stringValue":"spot"}},{"key":"shop.price","value":{"intValue":"7"}},
    {"key":"shop.count","value":{"intValue":"1"}}"#;

#[test]
fn a_program_that_keeps_to_its_schemas_passes() {
    let report = printed(&["schema", "check", "--registry", &REGISTRY, "--", &program("good")], 0);
    assert!(report.contains("2 spans, 0 of them in no schema\nseen: 1 of 2 span types\n"), "{report}");
    assert!(report.contains("shop.sale: 2 spans, 0 violations, 0 improvements, 0 information\n"), "{report}");
    assert!(!report.contains("event shop.bell"), "{report}");
}

#[test]
fn a_program_is_checked_against_its_own_package() {
    let (manifest, program) = (manifest(), program("good"));
    let arguments = ["schema", "check", "--package", "shop", "--manifest-path", &manifest, "--", &program];
    assert!(printed(&arguments, 0).contains("2 spans, 0 of them in no schema\n"));
}

#[test]
fn a_program_that_breaks_its_schema_is_told() {
    let report = printed(&["schema", "check", "--registry", &REGISTRY, "--", &program("bad")], 1);
    let expected = [
        "violation: shop.sale: attribute `shop.colour`: ",
        "violation: shop.sale: attribute `shop.count`: ",
        "violation: shop.sale: attribute `shop.price`: is missing and required (2 times)\n",
        "violation: shop.sale: event `shop.bell`, attribute `shop.tone`: is missing and required (2 times)\n",
    ];
    for finding in expected {
        assert!(report.contains(finding), "{finding} is not in\n{report}");
    }
    assert!(report.contains("2 spans, 0 of them in no schema\n"), "{report}");
    let json = printed(&["schema", "check", "--format", "json", "--registry", &REGISTRY, "--", &program("bad")], 1);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["summary"]["spans"], 2);
    let price =
        json["findings"].as_array().unwrap().iter().find(|finding| finding["place"] == "attribute `shop.price`");
    let expected = serde_json::json!({
        "level": "violation", "span": "shop.sale", "place": "attribute `shop.price`",
        "message": "is missing and required", "count": 2,
    });
    assert_eq!(price, Some(&expected));
}

#[test]
fn the_end_of_the_program_is_told() {
    let output = otelier(&["schema", "check", "--registry", &REGISTRY, "--", &program("bad"), "fail"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stdout).contains("violation: shop.sale: "));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.starts_with("error: the command failed: exit status: 3"), "{errors}");
    let error = refused(&["schema", "check", "--", "/nowhere/program"]);
    assert!(error.starts_with("error: `/nowhere/program` does not start: "), "{error}");
    let silent = otelier(&["schema", "check", "--", env!("CARGO_BIN_EXE_otelier"), "--version"]);
    let error = "error: no spans were received; does the program export them by OTLP?\n";
    assert_eq!((silent.status.code(), &*String::from_utf8_lossy(&silent.stderr)), (Some(2), error));
}

#[test]
fn what_is_no_telemetry_is_refused_and_nothing_hangs() {
    let started = Instant::now();
    let output = otelier(&["schema", "check", "--registry", &REGISTRY, "--", &program("hostile")]);
    assert!(started.elapsed() < Duration::from_secs(300));
    let answers = String::from_utf8_lossy(&output.stdout);
    let codes: Vec<&str> = answers.lines().map(|line| line.split(' ').nth(1).unwrap_or_default()).collect();
    assert_eq!(codes[..8], ["400", "413", "415", "415", "415", "404", "400", "400"], "{answers}");
    assert_eq!(output.status.code(), Some(2));
    let errors = String::from_utf8_lossy(&output.stderr);
    for why in [
        "error: a request was refused: expected POST /v1/traces, not \"/elsewhere\"",
        "the body is encoded as \"gzip\"; expected it without compression",
        "the body is \"text/plain\"; expected application/x-protobuf or application/json",
        "error: a request was refused (2 times): the body is longer than 67108864 bytes\n",
        "the body is not understood: request 1 has no `resourceSpans`",
        "the body is not understood: failed to decode",
        "error: no spans were received\n",
    ] {
        assert!(errors.contains(why), "{why} is not in\n{errors}");
    }
}

#[test]
fn files_are_checked() {
    let folder = folder("check");
    let file = |name: &str, text: &str| {
        fs::write(folder.join(name), text).unwrap();
        folder.join(name).display().to_string()
    };
    let check = |path: &str, code| printed(&["schema", "check", "--registry", &REGISTRY, path], code);
    let good = span(WHOLE).replace('\n', "");
    let lines = file("lines.json", &format!("{good}\n{good}\n"));
    assert!(check(&lines, 0).contains("2 spans, 0 of them in no schema\n"));
    let broken = file("broken.json", &span(""));
    assert!(check(&broken, 1).contains("violation: shop.sale: attribute `shop.price`: is missing and required\n"));
    let late = file("late.json", &span(&WHOLE.replace("shop.count", "shop.customer.id")));
    let fail_on = |level| ["schema", "check", "--registry", &REGISTRY, "--fail-on", level, &lines];
    printed(&fail_on("information"), 0);
    let report = check(&late, 1);
    assert!(report.contains("attribute `shop.customer.id`"), "{report}");
    for (name, text, expected) in [
        ("text", "hello", "this is neither OTLP/JSON nor OTLP in protobuf: "),
        ("cut", &good[..good.len() - 3], "this is no JSON: EOF"),
        ("other", "{\"spans\":[]}", "request 1 has no `resourceSpans`"),
        ("empty", "", "empty: there are no spans in it"),
    ] {
        let error = refused(&["schema", "check", "--registry", &REGISTRY, &file(name, text)]);
        assert!(error.contains(expected), "{error}");
    }
    assert!(refused(&["schema", "check", "/nowhere/spans.json"]).contains("/nowhere/spans.json: "));
    assert!(refused(&["schema", "check"]).starts_with("error: "));
}

#[test]
fn standard_input_is_checked() {
    let mut check = Command::new(env!("CARGO_BIN_EXE_otelier"));
    check.args(["schema", "check", "--registry", &REGISTRY, "-"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut check = check.spawn().unwrap();
    check.stdin.take().unwrap().write_all(span(WHOLE).as_bytes()).unwrap();
    let output = check.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("1 spans, 0 of them in no schema\n"));
}
