//! The spans of a run, as a receiver sees them.

use std::collections::HashMap;
use std::process::Command;

use otelier_tests::{Behaviour, Receiver};

#[test]
fn one_trace_arrives_with_every_span_under_its_parent_by_both_protocols() {
    for (protocol, receiver) in
        [("http/protobuf", Receiver::http(Behaviour::Accept)), ("grpc", Receiver::grpc(Behaviour::Accept))]
    {
        let receiver = receiver.expect("loopback has a free port");
        let out = std::env::temp_dir().join(format!("lakehouse-otlp-{}-{}", std::process::id(), protocol.len()));
        let run = Command::new(env!("CARGO_BIN_EXE_lakehouse"))
            .args(["--no-color", "--concurrency", "8", "--out"])
            .arg(&out)
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint())
            .env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
            .output()
            .expect("it runs");
        let printed = String::from_utf8_lossy(&run.stdout).into_owned();
        assert!(run.status.success(), "{printed}{}", String::from_utf8_lossy(&run.stderr));
        let _ = std::fs::remove_dir_all(&out);

        let spans = receiver.spans();
        assert!(printed.contains(&format!("  {} spans", spans.len())), "{} spans arrived\n{printed}", spans.len());
        let by_id: HashMap<_, _> = spans.iter().map(|span| (span.span_id.clone(), span)).collect();
        assert_eq!(by_id.len(), spans.len(), "ids are unique");
        let roots: Vec<_> = spans.iter().filter(|span| span.parent_span_id.is_empty()).collect();
        assert_eq!(roots.len(), 1);
        assert_eq!(roots[0].name, "workflow daily_archive_collection");
        assert!(spans.iter().all(|span| span.trace_id == roots[0].trace_id));

        let parent = |span: &opentelemetry_proto::tonic::trace::v1::Span| {
            by_id.get(&span.parent_span_id).map_or("", |parent| parent.name.as_str())
        };
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for span in &spans {
            let kind = span.name.split(' ').next().unwrap_or_default();
            let expected = match span.name.as_str() {
                "workflow daily_archive_collection" => "",
                "ingest exchange_info" => "workflow daily_archive_collection",
                name if name.starts_with("stage ") => "workflow daily_archive_collection",
                name if name.starts_with("ingest ") => "stage collect",
                name if name.starts_with("validation ") => "stage validate",
                name if name.starts_with("transformation ") => "stage transform",
                name if name.starts_with("put ") => "stage store",
                // A request is part of the ingestion that needs it.
                "binance /api/v3/exchangeInfo" => "ingest exchange_info",
                "binance /api/v3/klines" => "ingest klines",
                "binance /api/v3/depth" => "ingest order_book",
                "binance /api/v3/aggTrades" => "ingest trades",
                other => panic!("an unexpected span `{other}`"),
            };
            assert_eq!(parent(span), expected, "{}", span.name);
            *seen.entry(kind).or_default() += 1;
        }
        for (kind, least) in [("stage", 4), ("ingest", 10), ("binance", 10), ("validation", 9), ("put", 9)] {
            assert!(seen.get(kind).is_some_and(|count| *count >= least), "{kind}: {seen:?}");
        }
    }
}
