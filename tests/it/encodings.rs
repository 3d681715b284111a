//! JSON, gzip, files, and several exporters at once.

use crate::support::{Refused, turn};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use otelier::config::{Compression, ExceptionSignal, Exporter, LogExporter, Otlp, OtlpFile, Protocol};
use otelier::{Stats, Telemetry, trace, trace_block};
use otelier_tests::{Behaviour, Receiver};
use std::path::PathBuf;

const HOSTILE: &str = "quo\"te \\ back\u{0}\u{1b}[31m\r\n\t\u{7f}\u{2028}😀}],{[:";

#[trace(name = "fetch", kind = client, "app.count" = count, "app.share" = share, "app.text" = text, "app.list" = vec![text, "b"])]
fn fetch(count: i64, share: f64, text: &str) -> Result<(), Refused> {
    if count < 0 { Err(Refused(418)) } else { Ok(()) }
}

fn work() {
    trace_block!(name = "root", app.text = HOSTILE, app.flag = true, {
        assert!(fetch(i64::MIN, 1e300, HOSTILE).is_err());
        assert!(fetch(i64::MAX, -0.5, "").is_ok());
    });
}

fn run(settings: Telemetry) -> Stats {
    let telemetry = otelier::init(settings.with_service_name("it \"quoted\"")).expect("it starts");
    work();
    telemetry.shutdown().expect("in time")
}

fn http(protocol: Protocol, receiver: &Receiver) -> Otlp {
    Otlp::to(receiver.endpoint()).with_protocol(protocol)
}

fn accepting() -> Receiver {
    Receiver::http_with_logs(Behaviour::Accept, Behaviour::Accept).expect("loopback has a free port")
}

#[test]
fn two_receivers_get_the_same_by_json_as_by_protobuf() {
    let _turn = turn();
    let (protobuf, json) = (accepting(), accepting());
    let stats = run(Telemetry::default()
        .with_exporter(Exporter::Otlp(http(Protocol::HttpProtobuf, &protobuf)))
        .with_exporter(Exporter::Otlp(http(Protocol::HttpJson, &json)))
        .with_exception_signal(ExceptionSignal::Both));
    assert_eq!(protobuf.spans().len(), 3, "{stats}");
    assert_eq!(json.requests(), protobuf.requests());
    assert_eq!(protobuf.log_records().len(), 1);
    assert_eq!(json.log_requests(), protobuf.log_requests());
    assert_eq!(json.headers()[0]["content-type"], "application/json");
    // Each has a line of its own.
    let lines: Vec<String> = stats.to_string().lines().map(str::to_owned).collect();
    assert_eq!(
        lines,
        [
            format!("otlp http/protobuf {}/v1/traces: 3 exported", protobuf.endpoint()),
            format!("otlp http/json {}/v1/traces: 3 exported", json.endpoint()),
            format!("otlp http/protobuf {}/v1/logs: 1 log records exported", protobuf.endpoint()),
            format!("otlp http/json {}/v1/logs: 1 log records exported", json.endpoint()),
        ]
    );
}

#[test]
fn a_receiver_that_fails_takes_nothing_from_another() {
    let _turn = turn();
    let (good, bad) = (accepting(), Receiver::http(Behaviour::Fail(503)).expect("a port"));
    let stats = run(Telemetry::default()
        .with_exporter(Exporter::Otlp(http(Protocol::HttpProtobuf, &bad)))
        .with_exporter(Exporter::Otlp(http(Protocol::HttpProtobuf, &good))));
    assert_eq!((stats.exporters[0].failed, stats.exporters[1].exported), (3, 3), "{stats}");
    assert_eq!(stats.exporters[1].last_error, None);
}

#[test]
fn compressed_requests_are_understood() {
    let _turn = turn();
    let words = [(Compression::Gzip, "gzip"), (Compression::Zstd, "zstd")];
    let protocols = [Protocol::HttpProtobuf, Protocol::HttpJson, Protocol::Grpc];
    for (protocol, (compression, word)) in protocols.into_iter().flat_map(|protocol| words.map(|word| (protocol, word)))
    {
        let receiver = match protocol {
            Protocol::Grpc => Receiver::grpc_with_logs(Behaviour::Accept, Behaviour::Accept).expect("a port"),
            _ => accepting(),
        };
        let otlp = http(protocol, &receiver).with_compression(compression);
        let stats = run(Telemetry::default().with_otlp(otlp).with_exception_signal(ExceptionSignal::Logs));
        assert_eq!((receiver.spans().len(), receiver.log_records().len()), (3, 1), "{stats}");
        let name = if protocol == Protocol::Grpc { "grpc-encoding" } else { "content-encoding" };
        assert_eq!(receiver.headers()[0][name], word, "{protocol:?}");
    }
}

#[test]
fn answers_are_read_by_their_content_type() {
    let _turn = turn();
    const JSON: Option<&str> = Some("application/json; charset=utf-8");
    const PROTOBUF: Option<&str> = Some("application/x-protobuf");
    let partial = || br#"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too old"}}"#.to_vec();
    let binary = || vec![0x0a, 7, 0x08, 2, 0x12, 3, b'b', b'a', b'd'];
    let status = |content_type: Option<&'static str>, body: Vec<u8>| Behaviour::Raw(400, content_type, body);
    let ok = |content_type: Option<&'static str>, body: Vec<u8>| Behaviour::Raw(200, content_type, body);
    for (protocol, behaviour, expected) in [
        (Protocol::HttpJson, Behaviour::Reject(2, "too old".to_owned()), (2, "too old")),
        (Protocol::HttpJson, ok(None, partial()), (2, "too old")),
        (Protocol::HttpJson, ok(None, Vec::new()), (0, "")),
        (Protocol::HttpJson, ok(PROTOBUF, binary()), (2, "bad")),
        (Protocol::HttpProtobuf, ok(JSON, partial()), (2, "too old")),
        (Protocol::HttpProtobuf, ok(None, partial()), (0, "")),
        (Protocol::HttpProtobuf, ok(None, binary()), (2, "bad")),
        (
            Protocol::HttpJson,
            status(JSON, br#"{"code":3,"message":"no tenant"}"#.to_vec()),
            (0, "answered 400: no tenant"),
        ),
        (Protocol::HttpJson, status(JSON, b"oops".to_vec()), (0, "answered 400: oops")),
        (Protocol::HttpProtobuf, status(PROTOBUF, b"\x08\x03\x12\x02no".to_vec()), (0, "answered 400: no")),
    ] {
        let receiver = Receiver::http(behaviour.clone()).expect("a port");
        let stats = run(Telemetry::default().with_otlp(http(protocol, &receiver)));
        let exporter = &stats.exporters[0];
        let error = exporter.last_error.as_deref().unwrap_or_default();
        assert_eq!(exporter.rejected, expected.0, "{behaviour:?}: {error}");
        assert!(error.ends_with(expected.1) && error.is_empty() == expected.1.is_empty(), "{behaviour:?}: {error}");
    }
}

#[test]
fn a_request_that_is_too_large_is_not_sent() {
    let _turn = turn();
    let receiver = accepting();
    let mut otlp = http(Protocol::HttpProtobuf, &receiver);
    otlp.max_request_size = 100;
    let stats = run(Telemetry::default().with_otlp(otlp));
    assert_eq!((stats.exporters[0].failed, receiver.requests().len()), (3, 0));
    let error = stats.exporters[0].last_error.as_deref().unwrap_or_default();
    assert!(error.contains("more than `max_request_size` (100) allows"), "{error}");
}

/// A path that is free, and is freed again.
struct Path(PathBuf);

impl Path {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("otelier-{name}-{}.jsonl", std::process::id())))
    }
}

impl Drop for Path {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn a_file_holds_what_a_receiver_gets_one_line_a_batch() {
    let _turn = turn();
    let (path, receiver) = (Path::new("batches"), accepting());
    std::fs::write(&path.0, "{}\n").expect("a file");
    for round in 1..=2 {
        let stats = run(Telemetry::default()
            .with_exporter(Exporter::OtlpFile(OtlpFile::to(&path.0)))
            .with_otlp(http(Protocol::HttpProtobuf, &receiver))
            .with_exception_signal(ExceptionSignal::Logs));
        assert_eq!(stats.exporters[0].exported, 3, "{stats}");
        let text = std::fs::read_to_string(&path.0).expect("it is there");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines.len(), lines[0], text.ends_with('\n')), (1 + 2 * round, "{}", true), "{text}");
    }
    let text = std::fs::read_to_string(&path.0).expect("it is there");
    let (mut spans, mut logs) = (Vec::new(), Vec::new());
    for line in text.lines().skip(1) {
        if line.starts_with("{\"resourceSpans\"") {
            spans.push(serde_json::from_str::<ExportTraceServiceRequest>(line).expect("OTLP JSON"));
        } else {
            logs.push(serde_json::from_str::<ExportLogsServiceRequest>(line).expect("OTLP JSON"));
        }
    }
    assert_eq!((spans, logs), (receiver.requests(), receiver.log_requests()));
}

#[test]
fn a_file_that_cannot_be_written_is_refused_or_counted() {
    let _turn = turn();
    let settings = |path: &str| Telemetry::default().with_exporter(Exporter::OtlpFile(OtlpFile::to(path)));
    let Err(otelier::Error::Config(error)) =
        otelier::init(settings("/no/such/folder/x").with_exception_signal(ExceptionSignal::Logs))
    else {
        panic!("expected a refusal")
    };
    assert_eq!(error.problems().len(), 1, "{error}");
    assert!(error.to_string().contains("`/no/such/folder/x`; expected a file that can be appended to"), "{error}");
    if cfg!(target_os = "linux") {
        let stats = run(settings("/dev/full"));
        let error = stats.exporters[0].last_error.as_deref().unwrap_or_default();
        assert_eq!((stats.exporters[0].exported, stats.exporters[0].failed), (0, 3), "{stats}");
        assert!(error.starts_with("otlp_file /dev/full was not written"), "{error}");
    }
}

#[test]
fn log_records_are_lines_on_the_console_and_batches_lines_on_standard_output() {
    const CHILD: &str = "OTELIER_TEST_PRINTS";
    if std::env::var_os(CHILD).is_some() {
        run(Telemetry::default()
            .with_exporter(Exporter::OtlpFile(OtlpFile::default()))
            .with_log_exporters([LogExporter::Console])
            .with_exception_signal(ExceptionSignal::Logs));
        return;
    }
    let output = std::process::Command::new(std::env::current_exe().expect("this test"))
        .args([
            "--exact",
            "--nocapture",
            "encodings::log_records_are_lines_on_the_console_and_batches_lines_on_standard_output",
        ])
        .env(CHILD, "1")
        .output()
        .expect("it runs");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let batches = stdout.lines().filter_map(|line| line.find("{\"resourceSpans\"").map(|at| &line[at..]));
    let batches: Vec<ExportTraceServiceRequest> =
        batches.map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(batches.len(), 1, "{stdout}");
    let line = stderr.lines().find(|line| line.contains("exception.message")).unwrap_or_else(|| panic!("{stderr}"));
    let (time, rest) = line.split_at(24);
    assert!(time.starts_with("20") && time.ends_with('Z'), "{line}");
    assert!(rest.starts_with(" WARN  exception exception.type="), "{line}");
    assert!(rest.contains(" exception.message=\"the exchange answered 418\""), "{line}");
    assert!(rest.contains(" span=\"fetch\" trace_id="), "{line}");
}
