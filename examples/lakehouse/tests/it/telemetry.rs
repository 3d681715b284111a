//! Telemetry that fails costs a sentence, never the result; settings that cannot be used end the program before it begins.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use super::support::{Finished, Scratch, lakehouse};

fn run(env: &[(&str, &str)]) -> Finished {
    let run = lakehouse(&Scratch::new(), &["--symbols", "BTCUSDT"], env);
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(run.summary("result").starts_with("success: 1 of 1"), "{}", run.out);
    run
}

fn local_port_nobody_listens_on() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

#[test]
fn a_refused_endpoint_is_reported_once_and_the_result_stays() {
    for protocol in ["http/protobuf", "grpc"] {
        let endpoint = format!("http://127.0.0.1:{}", local_port_nobody_listens_on());
        let run = run(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20s3cr3t"),
        ]);
        assert_eq!(run.err.lines().count(), 1, "{}", run.err);
        assert!(run.err.starts_with("telemetry: ") && run.err.contains(&endpoint), "{}", run.err);
        assert!(run.err.contains("spans did not arrive"), "{}", run.err);
        assert!(run.out.contains("workflow daily_archive_collection"), "the tree is there all the same");
        assert!(!run.out.contains("s3cr3t") && !run.err.contains("s3cr3t"), "headers are secret");
    }
}

#[test]
fn a_receiver_that_never_answers_does_not_hold_the_program_up() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let endpoint = format!("http://{}", silent.local_addr().expect("an address"));
    let began = Instant::now();
    let run = run(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &endpoint)]);
    // 3 s are configured, 5 s are promised; the rest is room for a busy machine.
    assert!(began.elapsed() < Duration::from_secs(60), "took {:?}", began.elapsed());
    assert_eq!(run.err.lines().count(), 1, "{}", run.err);
    assert!(run.err.starts_with("telemetry: "), "{}", run.err);
    assert!(run.out.contains("workflow daily_archive_collection"), "{}", run.out);
}

#[test]
fn settings_that_cannot_be_used_are_named_and_nothing_is_started() {
    let run =
        lakehouse(&Scratch::new(), &["--symbols", "BTCUSDT"], &[("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://collector")]);
    assert_eq!((run.code, run.out.as_str(), run.err.lines().count()), (Some(2), "", 1), "{}", run.err);
    assert!(run.err.contains("OTEL_EXPORTER_OTLP_ENDPOINT") && run.err.contains("ftp://collector"), "{}", run.err);
}

#[test]
fn a_file_with_mistakes_is_shown_where_they_are_and_nothing_is_started() {
    let file = std::env::temp_dir().join(format!("lakehouse-{}-settings.yaml", std::process::id()));
    let text = "file_format: \"1.1\"\ntracer_provider:\n  processors: []\nlog_levle: info\n";
    std::fs::write(&file, text).expect("a file");
    let name = file.display().to_string();
    let run = lakehouse(&Scratch::new(), &["--symbols", "BTCUSDT"], &[("OTEL_CONFIG_FILE", &name)]);
    let _ = std::fs::remove_file(&file);
    assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{}", run.err);
    for part in [
        format!("error: {name}:3:15: `tracer_provider.processors` "),
        "3 |   processors: []\n  |               ^\n".to_owned(),
        format!("error: {name}:4:1: `log_levle` is unknown"),
    ] {
        assert!(run.err.contains(&part), "{part}\nis not in\n{}", run.err);
    }
}

#[test]
fn without_an_endpoint_nothing_is_sent() {
    assert_eq!(run(&[]).err, "");
    assert_eq!(run(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]).err, "");
}

#[test]
fn a_run_with_telemetry_switched_off_works_and_says_so() {
    let run = run(&[("OTEL_SDK_DISABLED", "true")]);
    assert!(run.out.contains("no spans were recorded: telemetry is switched off"), "{}", run.out);
}
