//! `otelier config`.

use serde_json::Value;
use std::process::{Command, Output};

fn config(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otelier"));
    command.arg("config").args(arguments).env_clear().envs(variables.iter().copied());
    command.output().expect("the binary runs")
}

#[track_caller]
fn printed(arguments: &[&str], variables: &[(&str, &str)], code: i32) -> String {
    let output = config(arguments, variables);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

const MISTAKES: [(&str, &str); 2] = [("OTEL_TRACES_SAMPLER", "ratio"), ("OTEL_BSP_SCHEDULE_DELAY", "5s")];

#[test]
fn the_environment_is_checked_with_every_mistake_at_once() {
    assert_eq!(printed(&["check"], &[], 0), "environment: ok\n");
    let text = printed(&["check"], &MISTAKES, 2);
    let delay = "error: `OTEL_BSP_SCHEDULE_DELAY` is `5s`; expected a whole number of milliseconds above 0\n";
    assert!(text.contains(delay) && text.ends_with("environment: 2 mistakes\n"), "{text}");
    let json: Value = serde_json::from_str(&printed(&["check", "--json"], &MISTAKES, 2)).unwrap();
    let file = &json["files"][0];
    assert_eq!((&file["file"], &file["ok"]), (&"environment".into(), &false.into()));
    assert_eq!(file["mistakes"].as_array().unwrap().len(), 2);
    assert_eq!(file["mistakes"][0]["line"], Value::Null);
}

#[test]
fn the_values_that_hold_are_shown_with_where_they_come_from() {
    let variables = [
        ("OTEL_SERVICE_NAME", "shop"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:topsecret@collector:4318"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=topsecret"),
    ];
    let text = printed(&["show"], &variables, 0);
    for line in [
        "    service.name: shop  # $OTEL_SERVICE_NAME",
        "      schedule_delay: 5000  # default",
        "      endpoint: \"http://[hidden]@collector:4318/v1/traces\"  # $OTEL_EXPORTER_OTLP_ENDPOINT",
        "        api-key: [hidden]  # $OTEL_EXPORTER_OTLP_HEADERS",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    let json = printed(&["show", "--json"], &variables, 0);
    assert!(!text.contains("topsecret") && !json.contains("topsecret"), "{text}{json}");
    let json: Value = serde_json::from_str(&json).unwrap();
    let delay = &json["tracer_provider"]["processor"]["batch"]["schedule_delay"];
    assert_eq!((&delay["value"], &delay["origin"]), (&5000.into(), &"default".into()));
}

#[test]
fn values_that_cannot_be_used_are_told_and_nothing_is_shown() {
    let output = config(&["show"], &MISTAKES);
    assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(2), true));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.lines().count() == 2 && errors.lines().all(|line| line.starts_with("error: `OTEL_")), "{errors}");
}

#[test]
fn a_file_that_cannot_be_used_ends_with_code_2() {
    let text = printed(&["check", "/nowhere/otel.yaml"], &[], 2);
    assert!(
        text.starts_with("error: /nowhere/otel.yaml: ") && text.ends_with("/nowhere/otel.yaml: 1 mistake\n"),
        "{text}"
    );
    let output = config(&["show", "--config", "/nowhere/otel.yaml"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: /nowhere/otel.yaml: "));
}

#[test]
fn the_reference_has_every_variable() {
    let text = printed(&["reference"], &[], 0);
    assert!(text.starts_with("# Configuration\n"));
    for variable in otelier_spec::variables::ALL {
        assert!(text.contains(&format!("\n| `{}` | ", variable.name)), "{}", variable.name);
    }
}

#[test]
fn mistakes_in_arguments_end_with_code_2() {
    for arguments in [&["shwo"][..], &[], &["schema", "more"], &["show", "--config"]] {
        assert_eq!(config(arguments, &[]).status.code(), Some(2), "{arguments:?}");
    }
    for command in ["check", "show", "schema", "reference"] {
        assert!(printed(&[command, "--help"], &[], 0).contains("Exit codes: 0 "), "{command}");
    }
}
