//! `OTEL_CONFIG_FILE` from the variable to the receiver, in a process of its own: variables belong to the whole process.

use otelier::trace_block;
use otelier_tests::{Behaviour, Receiver};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// Set in the child, which is this test binary once more.
const CHILD: &str = "OTELIER_TEST_CONFIG_FILE_CHILD";

/// What a program's `main` does, with its exit code.
fn program() -> i32 {
    let started = otelier::Telemetry::from_env().map_err(otelier::Error::from).and_then(otelier::init);
    let telemetry = match started {
        Ok(telemetry) => telemetry,
        Err(error) => {
            eprintln!("error: {error}");
            return 2;
        }
    };
    trace_block!(name = "sold", {});
    i32::from(telemetry.shutdown().is_err())
}

#[test]
#[ignore = "the other tests of this file start it as a program"]
fn the_child() {
    if std::env::var_os(CHILD).is_some() {
        std::process::exit(program());
    }
}

/// Runs the program with these variables and no other of ours.
fn run(file: &Path, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(std::env::current_exe().expect("this binary"));
    command.args(["config_file::the_child", "--exact", "--ignored", "--nocapture"]).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("OTEL") {
            command.env_remove(name);
        }
    }
    command.env(CHILD, "1").env("OTEL_CONFIG_FILE", file).envs(variables.iter().copied());
    command.output().expect("it runs")
}

/// A file that goes away with the test.
struct Settings(PathBuf);

impl Settings {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("otelier-{}-{name}.yaml", std::process::id()));
        std::fs::write(&path, text).expect("a file");
        Self(path)
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

const GOOD: &str = r#"file_format: "1.1"
resource:
  attributes:
    - name: service.name
      value: ${TILL:-nobody}
    - name: shop.price
      value: "$${PRICE}"
tracer_provider:
  processors:
    - batch:
        exporter:
          otlp_http:
            endpoint: ${env:RECEIVER}/v1/traces
            headers:
              - name: x-till
                value: ${TILL}
            timeout: ${TIMEOUT:-20000}
"#;

#[test]
fn spans_go_where_the_file_says_whatever_the_other_variables_say() {
    let file = Settings::new("good", GOOD);
    let named = Receiver::http(Behaviour::Accept).expect("it starts");
    let beside = Receiver::http(Behaviour::Accept).expect("it starts");
    let (named_url, beside_url) = (named.endpoint(), beside.endpoint());
    let output = run(
        &file.0,
        &[
            ("RECEIVER", &named_url),
            ("TILL", "till-3"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &beside_url),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &beside_url),
            ("OTEL_SERVICE_NAME", "somebody"),
            ("OTEL_TRACES_SAMPLER", "always_off"),
            ("OTEL_SDK_DISABLED", "true"),
        ],
    );
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let spans = named.wait_for(1, Duration::from_secs(60));
    assert_eq!(spans.iter().map(|span| span.name.as_str()).collect::<Vec<_>>(), ["sold"], "{said}");
    assert!(beside.requests().is_empty(), "the variable beside the file counted");
    assert_eq!(named.headers()[0]["x-till"], "till-3");
    let requests = named.requests();
    let resource = requests[0].resource_spans[0].resource.as_ref().expect("a resource");
    let attributes = format!("{:?}", resource.attributes);
    // What is put in, and what is not because `$$` stands for `$`.
    assert!(attributes.contains("till-3") && attributes.contains("${PRICE}"), "{attributes}");
    assert!(!attributes.contains("somebody"), "{attributes}");
}

#[test]
fn a_broken_file_ends_the_program_with_code_2_and_shows_every_place() {
    let broken = GOOD
        .replace("timeout: ${TIMEOUT:-20000}", "timeout: soon")
        .replace("tracer_provider:\n", "tracer_provider:\n  sampler:\n    trace_id_ratio_based:\n      ratio: 25\n")
        .replace("  processors:", "  procesors:\n    -\n  processors:");
    let file = Settings::new("broken", &broken);
    let receiver = Receiver::http(Behaviour::Accept).expect("it starts");
    let output = run(&file.0, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &receiver.endpoint())]);
    let said = String::from_utf8_lossy(&output.stderr).replace("\r\n", "\n");
    assert_eq!(output.status.code(), Some(2), "{said}");
    let name = file.0.display();
    for part in [
        format!(
            "{name}:11:14: `tracer_provider.sampler.trace_id_ratio_based.ratio` is `25`; expected a number from 0 to 1"
        ),
        "\n11 |       ratio: 25\n   |              ^^\n".to_owned(),
        format!("{name}:12:3: `tracer_provider.procesors` is unknown"),
        "\n12 |   procesors:\n   |   ^^^^^^^^^\n".to_owned(),
        "did you mean `processors`?".to_owned(),
        format!("{name}:22:22: `tracer_provider.processors[0].batch.exporter.otlp_http.timeout` is `soon`; expected "),
        "\n22 |             timeout: soon\n   |                      ^^^^\n".to_owned(),
        "note: the file is the one in `OTEL_CONFIG_FILE`".to_owned(),
    ] {
        assert!(said.contains(&part), "{part}\nis not in\n{said}");
    }
    assert!(receiver.requests().is_empty(), "nothing is sent with half of the settings");
}

#[test]
fn a_file_that_is_not_there_ends_the_program_with_code_2_too() {
    let missing = std::env::temp_dir().join(format!("otelier-{}-missing.yaml", std::process::id()));
    let output = run(&missing, &[]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(&format!("`{}` cannot be read: ", missing.display())), "{said}");
}
