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

/// The first is an error, because its exporter is not here; the second is one only for those who want it so.
const MISTAKES: [(&str, &str); 3] =
    [("OTEL_TRACES_EXPORTER", "spans"), ("OTEL_BSP_SCHEDULE_DELAY", "5s"), ("OTELIER_STRICT", "true")];

const DELAY: &str = "`OTEL_BSP_SCHEDULE_DELAY` is `5s`; expected a whole number";

const GOOD: &str = r#"file_format: "1.1"
resource:
  attributes:
    - name: service.name
      value: ${SERVICE}
tracer_provider:
  processors:
    - batch:
        schedule_delay: 250
        exporter:
          otlp_http:
            endpoint: http://${COLLECTOR}/v1/traces
            headers_list: api-key=topsecret
            headers:
              - name: x-token
                value: ${TOKEN}
"#;

const BROKEN: &str = r#"file_format: "1.1"
tracer_provider:
  procesors: []
  sampler:
    trace_id_ratio_based:
      ratio: 25
"#;

/// Writes a file for one test.
fn file(test: &str, text: &str) -> String {
    let path = crate::folder(&format!("config-{test}")).join("otel.yaml");
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[track_caller]
fn assert_lines(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.lines().any(|found| found == *line), "{line} is not in\n{text}");
    }
}

#[test]
fn the_environment_is_checked_with_every_mistake_at_once() {
    assert_eq!(printed(&["check"], &[], 0), "environment: ok\n");
    let text = printed(&["check"], &MISTAKES, 2);
    assert!(text.contains(&format!("error: {DELAY}\n")), "{text}");
    assert!(
        text.contains("`OTEL_TRACES_EXPORTER` has `spans`; ") && text.ends_with("environment: 2 mistakes\n"),
        "{text}"
    );
    let json: Value = serde_json::from_str(&printed(&["check", "--json"], &MISTAKES, 2)).unwrap();
    let file = &json["files"][0];
    assert_eq!((&file["file"], &file["ok"]), (&"environment".into(), &false.into()));
    let mistakes = file["mistakes"].as_array().unwrap();
    let delay = mistakes.iter().find(|mistake| mistake["key"] == "OTEL_BSP_SCHEDULE_DELAY").unwrap();
    assert_eq!((mistakes.len(), &delay["sentence"], &delay["line"]), (2, &DELAY.into(), &Value::Null));
}

#[test]
fn what_is_passed_over_is_a_warning_and_no_mistake() {
    let text = printed(&["check"], &MISTAKES[1..2], 0);
    assert!(text.starts_with(&format!("warning: {DELAY}\n  note: ")), "{text}");
    assert!(text.ends_with("\nenvironment: ok, 1 warning\n"), "{text}");
    let json: Value = serde_json::from_str(&printed(&["check", "--json"], &MISTAKES[1..2], 0)).unwrap();
    assert_eq!((&json["files"][0]["ok"], &json["files"][0]["warnings"][0]["sentence"]), (&true.into(), &DELAY.into()));
    let output = config(&["show"], &MISTAKES[1..2]);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with(&format!("warning: {DELAY}\n")));
    assert!(String::from_utf8_lossy(&output.stdout).contains("schedule_delay: 5000  # default\n"));
}

#[test]
fn files_are_checked_with_place_line_and_help() {
    let (good, broken) = (file("check-good", GOOD), file("check-broken", BROKEN));
    let variables = [("SERVICE", "shop"), ("COLLECTOR", "c:4318"), ("TOKEN", "topsecret")];
    let text = printed(&["check", &good, &broken], &variables, 2);
    assert!(text.starts_with(&format!("{good}: ok\nerror: {broken}:3:3: ")), "{text}");
    assert!(text.ends_with(&format!("\n{broken}: 3 mistakes\n")), "{text}");
    assert_lines(
        &text,
        &[
            &format!("error: {broken}:3:3: `tracer_provider.procesors` is unknown"),
            "  |   ^^^^^^^^^",
            "  help: did you mean `processors`?",
            "6 |       ratio: 25",
            "  |              ^^",
        ],
    );
    let json: Value = serde_json::from_str(&printed(&["check", "--json", &good, &broken], &variables, 2)).unwrap();
    assert_eq!(json["files"][0], serde_json::json!({ "file": good, "ok": true, "mistakes": [], "warnings": [] }));
    let mistake = &json["files"][1]["mistakes"][0];
    assert_eq!((&mistake["line"], &mistake["column"]), (&3.into(), &3.into()));
    assert_eq!((&mistake["file"], &mistake["key"]), (&broken.into(), &"tracer_provider.procesors".into()));
    assert_eq!(mistake["help"][0], "did you mean `processors`?");
}

#[test]
fn the_file_that_the_environment_names_is_checked_and_shown() {
    let (good, broken) = (file("env-good", GOOD), file("env-broken", BROKEN));
    let text = printed(&["check"], &[("OTEL_CONFIG_FILE", &broken)], 2);
    assert!(text.contains("note: the file is the one in `OTEL_CONFIG_FILE`"), "{text}");
    assert!(text.ends_with(&format!("\n{broken}: 3 mistakes\n")), "{text}");
    let variables =
        [("OTEL_CONFIG_FILE", &*good), ("OTEL_BSP_SCHEDULE_DELAY", "7"), ("SERVICE", "shop"), ("COLLECTOR", "c:1")];
    let text = printed(&["show"], &variables, 0);
    assert_lines(&text, &[&format!("        schedule_delay: 250  # {good}:9:25")]);
    let text = printed(&["show"], &[("OTEL_EXPERIMENTAL_CONFIG_FILE", &good), ("COLLECTOR", "c:1")], 0);
    assert_lines(&text, &[&format!("        schedule_delay: 250  # {good}:9:25")]);
}

#[test]
fn the_values_that_hold_are_shown_with_where_they_come_from() {
    let variables = [
        ("OTEL_SERVICE_NAME", "shop"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://collector:4318/x?key=topsecret"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=topsecret"),
    ];
    let text = printed(&["show"], &variables, 0);
    assert_lines(
        &text,
        &[
            "      value: shop  # $OTEL_SERVICE_NAME",
            "        schedule_delay: 5000  # default",
            "            endpoint: \"http://collector:4318/x?[hidden]\"  # $OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "            endpoint: http://collector:4318/v1/logs  # $OTEL_EXPORTER_OTLP_ENDPOINT",
            "            headers_list: [hidden]  # $OTEL_EXPORTER_OTLP_HEADERS",
            "  composite_list: tracecontext,baggage  # default",
        ],
    );
    let json = printed(&["show", "--json"], &variables, 0);
    assert!(!text.contains("topsecret") && !json.contains("topsecret"), "{text}{json}");
    let json: Value = serde_json::from_str(&json).unwrap();
    let delay = &json["tracer_provider"]["processors"][0]["batch"]["schedule_delay"];
    assert_eq!((&delay["value"], &delay["origin"]), (&5000.into(), &"default".into()));
}

#[test]
fn values_of_a_file_are_shown_with_their_places_and_without_secrets() {
    let good = file("show", GOOD);
    let variables = [("SERVICE", "shop"), ("COLLECTOR", "c:4318"), ("TOKEN", "topsecret")];
    let text = printed(&["show", "--config", &good], &variables, 0);
    assert_lines(
        &text,
        &[
            &format!("      value: shop  # {good}:5:14 with $SERVICE"),
            &format!("            endpoint: http://c:4318/v1/traces  # {good}:12:23 with $COLLECTOR"),
            &format!("                value: [hidden]  # {good}:16:24 with $TOKEN"),
            &format!("            headers_list: [hidden]  # {good}:13:27"),
            "        export_timeout: 30000  # default",
        ],
    );
    let json = printed(&["show", "--json", "--config", &good], &variables, 0);
    assert!(!text.contains("topsecret") && !json.contains("topsecret"), "{text}{json}");
}

#[test]
fn what_is_shown_can_be_used_as_a_file() {
    let text = printed(&["show"], &[("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0.5")], 0);
    let again = file("again", &text);
    assert_eq!(printed(&["check", &again], &[], 0), format!("{again}: ok\n"));
    let shown = printed(&["show", "--config", &again], &[], 0);
    let values = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split("  # ").next().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(values(&text), values(&shown));
}

#[test]
fn values_that_cannot_be_used_are_told_and_nothing_is_shown() {
    let output = config(&["show"], &MISTAKES);
    assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(2), true));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(errors.lines().filter(|line| line.starts_with("error: `OTEL_")).count(), 2, "{errors}");
}

#[test]
fn a_file_that_cannot_be_used_ends_with_code_2() {
    let text = printed(&["check", "/nowhere/otel.yaml"], &[], 2);
    assert!(
        text.starts_with("error: `/nowhere/otel.yaml` cannot be read: ")
            && text.ends_with("/nowhere/otel.yaml: 1 mistake\n"),
        "{text}"
    );
    let output = config(&["show", "--config", "/nowhere/otel.yaml"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: `/nowhere/otel.yaml` cannot be read: "));
}

#[test]
fn the_schema_is_json_and_has_the_keys_of_files() {
    let schema: Value = serde_json::from_str(&printed(&["schema"], &[], 0)).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["properties"]["disabled"]["default"], false);
}

#[test]
fn the_reference_has_every_variable() {
    let text = printed(&["reference"], &[], 0);
    assert!(text.starts_with("# Configuration\n\n## Keys of files\n"));
    assert!(text.contains("\n| `schedule_delay` | whole number from 0, ms | `5000` |"), "{text}");
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
