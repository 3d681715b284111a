//! `logger_provider`: log records carry the exceptions of errors, if they are asked to.

use super::cursor::Cursor;
use super::{Findings, delivery, processor::processor, transport};
use crate::config::{Batching, LogExporter, Origin, Telemetry};
use std::time::Duration;

pub(super) fn read(root: &Cursor<'_>, telemetry: &mut Telemetry, findings: &mut Findings) {
    let mut exporters = Vec::new();
    let mut found = Findings::default();
    if let Some(provider) = root.get("logger_provider") {
        if let Some(configurator) = provider.get("logger_configurator/development") {
            configurator.refuse("single loggers cannot be switched on and off here", &mut found);
        }
        let usual = Batching { schedule_delay: Duration::from_secs(1), ..Batching::default() };
        for item in provider.items("processors") {
            let Some((batching, name, exporter)) = processor(&item, &usual, &mut found) else { continue };
            let Some(exporter) = log_exporter(name, &exporter, &mut found) else { continue };
            exporters.push(exporter.with_batching(batching));
        }
    }
    telemetry.log_exporters = Some(exporters);
    // Variables of log records that nobody asks for may be meant for other programs.
    let is_file = root.entry("file_format").is_some_and(|format| format.node().origin != Origin::Default);
    if is_file || telemetry.exception_signal.in_logs() {
        findings.errors.absorb(found.errors);
        findings.warnings.extend(found.warnings);
    }
}

fn log_exporter(name: &str, cursor: &Cursor<'_>, findings: &mut Findings) -> Option<LogExporter> {
    if let Some(otlp) = transport::receiver(name, cursor, findings) {
        return Some(LogExporter::Otlp(otlp));
    }
    match name {
        "otlp_file/development" => transport::file(cursor, findings).map(LogExporter::OtlpFile),
        "console" => Some(LogExporter::Console),
        "otelier/otlp_file" => Some(LogExporter::OtlpFile(delivery::rotated_file(cursor)?)),
        "otelier/failover" => Some(LogExporter::Failover(delivery::failover(cursor, findings))),
        _ => {
            let known = ["otlp_http", "otlp_grpc", "otlp_file/development", "console", "otelier/failover"];
            cursor.unknown("exporter of log records", known.into_iter(), findings);
            None
        }
    }
}
