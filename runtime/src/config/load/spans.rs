//! `tracer_provider`.

use super::cursor::Cursor;
use super::{Findings, delivery, processor::processor, sampler, transport};
use crate::config::{Batching, Exporter, Sampler, Telemetry};

pub(super) fn read(root: &Cursor<'_>, telemetry: &mut Telemetry, findings: &mut Findings) {
    let Some(provider) = root.get("tracer_provider") else {
        // The specification: then there are no spans.
        telemetry.sampler = Sampler::AlwaysOff;
        return;
    };
    if let Some(sampler) = provider.get("sampler") {
        telemetry.sampler = sampler::sampler(&sampler, findings).unwrap_or_default();
    }
    if let Some((name, generator)) = provider.get("id_generator").and_then(|generator| generator.only())
        && name != "random"
    {
        generator.unknown("generator of ids", ["random"].into_iter(), findings);
    }
    if let Some(configurator) = provider.get("tracer_configurator/development") {
        configurator.refuse(
            "single tracers cannot be switched on and off here; a `rule_based` sampler can drop spans",
            findings,
        );
    }
    let mut first = None;
    for item in provider.items("processors") {
        let Some((batching, name, exporter)) = processor(&item, &Batching::default(), findings) else { continue };
        let Some(exporter) = span_exporter(name, &exporter, findings) else { continue };
        // What the first says is said for all; another one says what is different.
        let usual = first.get_or_insert_with(|| batching.clone());
        let exporter = if *usual == batching { exporter } else { exporter.with_batching(batching) };
        telemetry.exporters.push(exporter);
    }
    if let Some(batching) = first {
        telemetry.batch = batching;
    }
}

fn span_exporter(name: &str, cursor: &Cursor<'_>, findings: &mut Findings) -> Option<Exporter> {
    if let Some(otlp) = transport::receiver(name, cursor, findings) {
        return Some(Exporter::Otlp(otlp));
    }
    match name {
        "otlp_file/development" => transport::file(cursor, findings).map(Exporter::OtlpFile),
        "console" => Some(Exporter::Console),
        "otelier/zipkin" => Some(Exporter::Zipkin(transport::zipkin(cursor))),
        "otelier/otlp_file" => Some(Exporter::OtlpFile(delivery::rotated_file(cursor)?)),
        "otelier/failover" => Some(Exporter::Failover(delivery::failover(cursor, findings))),
        _ => {
            let known = ["otlp_http", "otlp_grpc", "otlp_file/development", "console", "otelier/failover"];
            cursor.unknown("exporter of spans", known.into_iter(), findings);
            None
        }
    }
}
