//! The same for Prometheus.

use super::{settings, spans};
use crate::prometheus::{address, free, parsed::Parsed, parsed::get, promtool};
use crate::support::turn;
use otelier::Pipeline;
use otelier::config::PullReader;
use otelier::export::MemoryExporter;

#[test]
fn prometheus_gets_the_names_that_the_queries_of_the_documentation_have() {
    let _turn = turn();
    let pipeline = Pipeline::new(settings(PullReader::prometheus(free())));
    let telemetry = pipeline.with_span_exporter(MemoryExporter::new(10)).start().expect("it starts");
    spans(3);
    telemetry.force_flush(super::LONG).expect("in time");
    // What asking takes is in the answer to the next question.
    get(&address(&telemetry), "/metrics");
    let text = get(&address(&telemetry), "/metrics").body;
    let found = Parsed::of(&text);
    let exporter = [("otel_component_name", "MemoryExporter/0")];
    assert_eq!(found.value("otel_sdk_exporter_span_exported_total", &exporter), Some(3.0), "{text}");
    assert_eq!(found.value("otel_sdk_exporter_operation_duration_seconds_count", &exporter), Some(1.0));
    let all = [exporter[0], ("otelier_exporter_window", "all")];
    assert_eq!(found.value("otelier_exporter_success_rate_ratio", &all), Some(1.0));
    assert_eq!(found.value("otelier_span_dropped_total", &[("otelier_drop_reason", "queue_full")]), Some(0.0));
    let server = [("otel_component_name", "prometheus_http_text_metric_exporter/0")];
    assert_eq!(found.value("otel_sdk_metric_reader_collection_duration_seconds_count", &server), Some(1.0));
    // Every name in the documentation is one that is there.
    let docs = include_str!("../../../docs/sdk-metrics.md");
    let words = docs.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    let named: Vec<_> = words.filter(|word| word.starts_with("otel_sdk_") || word.starts_with("otelier_")).collect();
    assert!(named.len() > 5);
    for name in named {
        let is_label = text.contains(&format!("{name}=\""));
        assert!(is_label || text.contains(&format!("\n{name}{{")), "{name} is not there:\n{text}");
    }
    promtool(&text);
}

#[test]
fn promtool_takes_the_alerts_of_the_documentation() {
    let docs = include_str!("../../../docs/sdk-metrics.md");
    let rules = docs.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("rules");
    let queries = docs.split("```promql\n").skip(1).filter_map(|rest| rest.split("```").next());
    let queries: String = queries
        .enumerate()
        .map(|(number, query)| format!("      - record: query:{number}\n        expr: |\n{}", indented(query)))
        .collect();
    let rules = format!("{rules}  - name: queries\n    rules:\n{queries}");
    let path = std::env::temp_dir().join(format!("otelier-it-rules-{}.yml", std::process::id()));
    std::fs::write(&path, &rules).expect("a file");
    let check = std::process::Command::new("promtool").args(["check", "rules"]).arg(&path).output();
    std::fs::remove_file(&path).expect("it is there");
    match check {
        Ok(output) => {
            let said = [output.stderr, output.stdout].concat();
            assert!(output.status.success(), "{}\n{rules}", String::from_utf8_lossy(&said));
            assert!(String::from_utf8_lossy(&said).contains("5 rules found"));
        }
        Err(_) => eprintln!("skipped: there is no promtool"),
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("          {line}\n")).collect()
}
