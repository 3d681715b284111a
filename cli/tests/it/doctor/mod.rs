//! `otelier doctor` against receivers on this machine.

mod receiver;
#[cfg(feature = "tls")]
mod tls;

use crate::folder;
use receiver::{Behaviour, Receiver, grpc, http};
use serde_json::Value;
use std::fs;
use std::net::TcpListener;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// Runs the command where nothing of the machine's is seen but what `variables` say.
fn doctor(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    // Above it there is no lock file, as there may be above the folder of the build.
    let folder = std::env::temp_dir();
    let mut command = Command::new(env!("CARGO_BIN_EXE_otelier"));
    command.arg("doctor").args(arguments).env_clear().envs(variables.iter().copied());
    command.current_dir(folder).output().expect("the binary runs")
}

/// What it found, and its exit code.
struct Found {
    code: i32,
    report: Value,
    text: String,
}

impl Found {
    #[track_caller]
    fn in_json(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let output = doctor(&[arguments, &["--json"]].concat(), variables);
        let text = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        let report = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}{errors}"));
        Self { code: output.status.code().unwrap(), report, text }
    }

    #[track_caller]
    fn at(receiver: &Receiver, more: &[&str]) -> Self {
        let url = receiver.url();
        Self::in_json(&[&["--endpoint", &url], more].concat(), &[])
    }

    #[track_caller]
    fn check(&self, name: &str) -> &Value {
        let checks = self.report["checks"].as_array().unwrap();
        checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no {name} in {}", self.text))
    }

    #[track_caller]
    fn assert(&self, name: &str, status: &str, found: &str) {
        let check = self.check(name);
        assert_eq!(check["status"], status, "{check:#}");
        assert!(check["found"].to_string().contains(found), "{check:#}");
        // Whatever is not well says why that matters and what to do.
        let needs_help = matches!(status, "warn" | "fail");
        assert_eq!(needs_help, check["why"] != "", "{check:#}");
        assert_eq!(needs_help, !check["do"].as_array().unwrap().is_empty(), "{check:#}");
    }
}

const GRPC: [&str; 2] = ["--protocol", "grpc"];

#[test]
fn a_good_receiver_of_http_passes() {
    let receiver = http(Behaviour::Accept);
    let found = Found::at(&receiver, &["--header", "authorization=Bearer a,b"]);
    assert_eq!((found.code, &found.report["exit_code"]), (0, &0.into()), "{}", found.text);
    found.assert("configuration", "ok", "spans by http/protobuf to http://127.0.0.1:");
    found.assert("name resolution", "ok", "127.0.0.1");
    found.assert("connect", "ok", "connected in");
    found.assert("span", "ok", "accepted");
    found.assert("metric", "ok", "median of 5");
    found.assert("authentication", "ok", "headers sent: authorization");
    found.assert("clock", "ok", "no difference");
    assert_eq!(found.check("span")["measured"]["rounds_ms"].as_array().unwrap().len(), 5);
    assert!(found.check("overhead")["measured"]["recorded_ns"].as_f64().unwrap() > 0.0);
    assert!(!found.text.contains("Bearer"), "secrets stay hidden");
    let requests: Vec<_> = receiver.requests.try_iter().collect();
    assert!(requests.iter().all(|(_, headers)| headers["authorization"] == "Bearer a,b"), "{requests:?}");
    let count = |path| requests.iter().filter(|(found, _)| found == path).count();
    // One more without spans, which shows the receiver's clock.
    assert_eq!((count("/v1/traces"), count("/v1/metrics")), (6, 5));
}

#[test]
fn a_good_receiver_of_grpc_passes() {
    let found = Found::at(&grpc(Behaviour::Accept), &GRPC);
    assert_eq!(found.code, 0, "{}", found.text);
    found.assert("span", "ok", "otlp grpc");
    found.assert("metric", "ok", "accepted");
}

#[test]
fn a_port_where_nobody_listens_is_told() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let found = Found::in_json(&["--endpoint", &format!("http://127.0.0.1:{port}")], &[]);
    assert_eq!(found.code, 1);
    found.assert("connect", "fail", "refused: nobody listens there");
    found.assert("span", "skipped", "nobody can be reached");
    found.assert("metric", "skipped", "nobody can be reached");
}

#[test]
fn a_name_without_an_address_is_told() {
    let found = Found::in_json(&["--endpoint", "http://nowhere.invalid:4318", "--timeout", "2s"], &[]);
    assert_eq!(found.code, 1);
    found.assert("name resolution", "fail", "`nowhere.invalid`: ");
}

#[test]
fn a_receiver_that_hangs_does_not_hang_the_command() {
    for (receiver, more) in [(http(Behaviour::Hang), &[][..]), (grpc(Behaviour::Hang), &GRPC)] {
        let begun = Instant::now();
        let found = Found::at(&receiver, &[more, &["--timeout", "300ms"]].concat());
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
        assert_eq!(found.code, 1);
        found.assert("span", "fail", "answer within 300ms");
        found.assert("metric", "fail", "no answer within 300ms");
        found.assert("authentication", "skipped", "");
    }
}

#[test]
fn refused_credentials_are_told_apart() {
    for (receiver, more, said) in [
        (http(Behaviour::Status(401)), &[][..], "does not know who sends; no headers are configured"),
        (http(Behaviour::Status(403)), &["--header", "k=v"], "does not permit it; headers sent: k"),
        (grpc(Behaviour::Grpc(16)), &GRPC, "does not know who sends"),
        (grpc(Behaviour::Grpc(7)), &GRPC, "does not permit it"),
    ] {
        let found = Found::at(&receiver, more);
        assert_eq!(found.code, 1);
        found.assert("authentication", "fail", said);
        found.assert("span", "fail", " answered ");
        found.assert("metric", "fail", " answered ");
    }
}

#[test]
fn headers_of_the_environment_are_sent_and_not_shown() {
    let receiver = http(Behaviour::Token("Bearer topsecret"));
    let url = receiver.url();
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", &*url);
    let found = Found::in_json(&[], &[endpoint, ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20topsecret")]);
    assert_eq!(found.code, 0, "{}", found.text);
    let found = Found::in_json(&[], &[endpoint, ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20oldsecret")]);
    assert_eq!(found.code, 1);
    found.assert("authentication", "fail", "headers sent: authorization");
    assert!(!found.text.contains("secret"), "{}", found.text);
}

#[test]
fn a_partial_success_is_no_success() {
    for (receiver, more) in [(http(Behaviour::Reject("too old")), &[][..]), (grpc(Behaviour::Reject("too old")), &GRPC)]
    {
        let found = Found::at(&receiver, more);
        assert_eq!(found.code, 1);
        found.assert("span", "fail", "(partial success): too old");
        found.assert("metric", "fail", "(partial success): too old");
        assert_eq!(found.check("span")["measured"]["rejected"], 1);
    }
}

#[test]
fn the_wrong_protocol_is_recognised() {
    let found = Found::at(&grpc(Behaviour::Accept), &["--timeout", "2s"]);
    assert_eq!(found.code, 1);
    found.assert("protocol", "fail", "speaks grpc, and http/protobuf is configured");
    let found = Found::at(&http(Behaviour::Accept), &["--timeout", "2s", "--protocol", "grpc"]);
    assert_eq!(found.code, 1);
    found.assert("protocol", "fail", "speaks http/protobuf, and grpc is configured");
}

#[test]
fn a_clock_that_differs_is_a_warning() {
    let found = Found::at(&http(Behaviour::Date("Sun, 06 Nov 1994 08:49:37 GMT")), &[]);
    assert_eq!(found.code, 0);
    found.assert("clock", "warn", "s ahead of the receiver");
    let found = Found::at(&http(Behaviour::Date("yesterday")), &[]);
    found.assert("clock", "skipped", "no `Date`");
}

#[test]
fn a_receiver_of_spans_alone_is_a_warning() {
    for (receiver, more) in [(http(Behaviour::SpansOnly), &[][..]), (grpc(Behaviour::SpansOnly), &GRPC)] {
        let found = Found::at(&receiver, more);
        assert_eq!(found.code, 0, "{}", found.text);
        found.assert("span", "ok", "accepted");
        found.assert("metric", "warn", " answered ");
    }
    let receiver = http(Behaviour::SpansOnly);
    let url = receiver.url();
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", &*url), ("OTEL_METRICS_EXPORTER", "none")];
    Found::in_json(&[], &variables).assert("metric", "skipped", "no metrics go by OTLP");
}

#[test]
fn log_records_are_asked_for_where_exceptions_go_there() {
    let opt_in = ("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", "logs");
    for (behaviour, code, status) in [(Behaviour::Accept, 0, "ok"), (Behaviour::SpansOnly, 1, "fail")] {
        let receiver = http(behaviour);
        let found = Found::in_json(&["--endpoint", &receiver.url()], &[opt_in]);
        assert_eq!(found.code, code, "{}", found.text);
        found.assert("log records", status, "/v1/logs");
    }
}

#[test]
fn settings_that_cannot_be_used_end_with_code_2_and_every_problem() {
    let variables = [("OTEL_TRACES_EXPORTER", "spans"), ("OTEL_BSP_SCHEDULE_DELAY", "5s"), ("OTELIER_STRICT", "true")];
    let found = Found::in_json(&[], &variables);
    assert_eq!(found.code, 2);
    assert_eq!(found.check("configuration")["measured"]["problems"].as_array().unwrap().len(), 2);
    found.assert("network", "skipped", "the configuration cannot be used");
    let found = Found::in_json(&["--endpoint", "localhost:4318", "--no-network"], &[]);
    assert_eq!(found.code, 2);
    found.assert("configuration", "fail", "expected a URL such as");
    let found = Found::in_json(&["--endpoint", "http://user:secret@localhost", "--no-network"], &[]);
    assert!(found.code == 2 && !found.text.contains("secret"), "{}", found.text);
}

#[test]
fn a_file_is_refused_and_not_passed_over() {
    let found = Found::in_json(&["--no-network", "--config", "/nowhere/otel.yaml"], &[]);
    assert_eq!(found.code, 2);
    found.assert("configuration", "fail", "`/nowhere/otel.yaml` cannot be read");
    let found = Found::in_json(&["--no-network"], &[("OTEL_CONFIG_FILE", "/nowhere/otel.yaml")]);
    assert_ne!(found.code, 0);
    assert!(found.text.contains("/nowhere/otel.yaml"), "{}", found.text);
}

#[test]
fn the_settings_of_a_file_are_those_that_are_tried() {
    let (receiver, other) = (http(Behaviour::Token("Bearer topsecret")), http(Behaviour::Accept));
    let path = folder("doctor-file").join("otel.yaml");
    let processor = |url: &str, more: &str| {
        format!("    - batch:\n        exporter:\n          otlp_http:\n            endpoint: {url}/v1/traces\n{more}")
    };
    let header = "            headers_list: authorization=Bearer%20${TOKEN}\n";
    let processors = processor(&receiver.url(), header) + &processor(&other.url(), "");
    let name = "resource:\n  attributes:\n    - {name: service.name, value: shop}\n";
    fs::write(&path, format!("file_format: \"1.1\"\n{name}tracer_provider:\n  processors:\n{processors}")).unwrap();
    let path = path.display().to_string();
    let variables = [("TOKEN", "topsecret"), ("OTEL_SERVICE_NAME", "other"), ("OTEL_TRACES_EXPORTER", "none")];
    let found = Found::in_json(&["--config", &path], &variables);
    assert_eq!(found.code, 0, "{}", found.text);
    found.assert("configuration", "ok", "service `shop`");
    found.assert("environment", "warn", "so these are ignored: OTEL_SERVICE_NAME, OTEL_TRACES_EXPORTER");
    found.assert("authentication", "ok", "headers sent: authorization");
    found.assert("metric", "skipped", "no metrics go by OTLP");
    assert!(!found.text.contains("topsecret"), "{}", found.text);
    let sent = |receiver: &Receiver| receiver.requests.try_iter().filter(|(path, _)| path == "/v1/traces").count();
    // Each has five spans of its own, and a request without any.
    assert_eq!((sent(&receiver), sent(&other)), (6, 6));
}

#[test]
fn a_value_that_is_passed_over_is_a_warning() {
    let found = Found::in_json(&["--no-network"], &[("OTEL_BSP_SCHEDULE_DELAY", "5s")]);
    assert_eq!(found.code, 0, "{}", found.text);
    let checks = found.report["checks"].as_array().unwrap();
    let warning = checks.iter().find(|check| check["name"] == "configuration" && check["status"] == "warn").unwrap();
    assert!(warning["found"][0].as_str().unwrap().starts_with("`OTEL_BSP_SCHEDULE_DELAY` is `5s`"), "{warning:#}");
}

#[test]
fn json_is_a_protocol_of_its_own() {
    let receiver = http(Behaviour::Accept);
    let found = Found::at(&receiver, &["--protocol", "http/json"]);
    assert_eq!(found.code, 0, "{}", found.text);
    found.assert("configuration", "ok", "spans by http/json to ");
    found.assert("metric", "ok", "accepted");
    let requests: Vec<_> = receiver.requests.try_iter().collect();
    assert!(!requests.is_empty() && requests.iter().all(|(_, headers)| headers["content-type"] == "application/json"));
}

#[test]
fn exporters_have_the_timeout_of_their_own_if_it_is_shorter() {
    let receiver = http(Behaviour::Hang);
    let url = receiver.url();
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", &*url), ("OTEL_EXPORTER_OTLP_TIMEOUT", "100")];
    let found = Found::in_json(&["--timeout", "1s"], &variables);
    assert_eq!(found.code, 1);
    found.assert("span", "fail", "did not answer within 100ms");
}

#[test]
fn mistakes_in_arguments_end_with_code_2_and_a_sentence() {
    for (arguments, said) in [
        (&["--timeout", "5"][..], "error: `--timeout` is `5`; expected `1ms` to `10m`, such as `5s`\n"),
        (&["--timeout", "0s"], "error: `--timeout` is `0s`; "),
        (&["--header", "topsecret"], "error: a `--header` has no name; expected `KEY=VALUE`\n"),
        (&["--protocol", "http"], "error: invalid value 'http'"),
        (&["--lock", "/nowhere/Cargo.lock"], "error: /nowhere/Cargo.lock: No such file"),
        (&["more"], "error: unexpected argument"),
    ] {
        let output = doctor(&[arguments, &["--no-network"]].concat(), &[]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {errors}");
        assert!(errors.starts_with(said), "{errors}");
    }
}

#[test]
fn mistakes_in_the_environment_are_warnings() {
    let receiver = http(Behaviour::Accept);
    let url = format!("{}/v1/traces", receiver.url());
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", &*url), ("OTEL_EXPORTER_OLTP_TIMEOUT", "5")];
    let output = doctor(&["--no-network"], &variables);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    for line in
        ["did you mean `OTEL_EXPORTER_OTLP_TIMEOUT`?\n", "`OTEL_EXPORTER_OTLP_ENDPOINT` ends with `/v1/traces`\n"]
    {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(text.contains("\nskipped  network        `--no-network` was given\n"), "{text}");
    assert!(!text.contains('\x1b'), "no colours where no terminal is");
}

#[test]
fn disabled_telemetry_sends_nothing() {
    let receiver = http(Behaviour::Accept);
    let url = receiver.url();
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", &*url), ("OTEL_SDK_DISABLED", "true")];
    let found = Found::in_json(&[], &variables);
    assert_eq!(found.code, 0);
    found.assert("configuration", "warn", "telemetry is disabled");
    found.assert("network", "skipped", "nothing is sent by OTLP");
    assert!(receiver.requests.try_iter().next().is_none());
}

#[test]
fn two_versions_in_a_lock_file_fail_with_who_uses_which() {
    let folder = folder("doctor-lock");
    let lock = folder.join("Cargo.lock");
    let package = |name: &str, version: &str, needs: &str| {
        format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\ndependencies = [{needs}]\n\n")
    };
    let packages = [
        package("app", "1.0.0", "\"opentelemetry 0.33.0\", \"old\""),
        package("old", "2.0.0", "\"opentelemetry 0.31.0\""),
        package("opentelemetry", "0.31.0", ""),
        package("opentelemetry", "0.33.0", ""),
    ];
    fs::write(&lock, packages.concat()).unwrap();
    let path = lock.display().to_string();
    let found = Found::in_json(&["--no-network", "--lock", &path], &[]);
    assert_eq!(found.code, 1);
    found.assert("versions", "fail", "opentelemetry 0.31.0: old 2.0.0");
    fs::write(&lock, "hello").unwrap();
    let output = doctor(&["--no-network", "--lock", &path], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("this is no lock file of Cargo: "));
}

#[test]
fn the_lock_file_of_this_workspace_is_read() {
    // Benchmarks compare with crates that use older versions.
    let lock = crate::workspace().join("Cargo.lock").display().to_string();
    let found = Found::in_json(&["--no-network", "--lock", &lock], &[]);
    found.assert("versions", "fail", "otelier-benches 0.1.0");
    found.assert("features", "skipped", "is a path here");
}
