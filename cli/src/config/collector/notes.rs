//! What the settings say that a Collector has no place for.

use super::plan::Plan;
use super::{Signal, lanes};
use otelier::Telemetry;
use otelier::config::MetricReader;

impl Plan {
    /// What else the settings say that a Collector does not.
    pub(super) fn asides(&mut self, telemetry: &Telemetry) {
        let usual = Telemetry::default();
        if telemetry.disabled {
            self.notes.push("the settings say `disabled`: programs with them send nothing".to_owned());
        }
        if self.signals.contains(&Signal::Logs) && !lanes::has_logs(telemetry) {
            self.notes.push("logs: programs with these settings make none; exceptions are span events".to_owned());
        }
        if telemetry.circuit_breaker != usual.circuit_breaker {
            let breaker = match !self.hops.is_empty() {
                true => {
                    "`circuit_breaker`: a Collector leaves a receiver at the first failure and tries again after \
                         `retry_interval`, which is `open_for`"
                }
                false => "`circuit_breaker`: a Collector has none; the pauses of `retry_on_failure` take its place",
            };
            self.notes.push(breaker.to_owned());
        }
        if telemetry.disk_buffer.is_some() && self.signals.contains(&Signal::Metrics) {
            self.notes.push("the Collector keeps metrics on the disk, too; programs do not".to_owned());
        }
        if !telemetry.metrics.pull.is_empty() {
            self.notes.push("Prometheus goes on asking the programs for metrics: nothing is sent there".to_owned());
        }
        let stays = [
            ("limits", telemetry.limits != usual.limits),
            ("views", !telemetry.metrics.views.is_empty()),
            ("temporality, histograms and cardinality limits of metrics", {
                let plain = |reader: &MetricReader| {
                    let plain = MetricReader::console();
                    reader.temporality == plain.temporality
                        && reader.histogram_aggregation == plain.histogram_aggregation
                        && reader.cardinality_limits == plain.cardinality_limits
                };
                !telemetry.metrics.readers.iter().all(plain)
            }),
            ("old names of attributes", !telemetry.old_names.is_empty()),
            ("span types", telemetry.span_types),
            ("the metrics of the SDK itself", telemetry.sdk_metrics),
        ];
        let stays: Vec<&str> = stays.into_iter().filter_map(|(what, is_said)| is_said.then_some(what)).collect();
        if !stays.is_empty() {
            self.notes.push(format!("{}: programs apply them before they send", stays.join("; ")));
        }
    }
}
