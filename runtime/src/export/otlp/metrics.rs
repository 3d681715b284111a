//! Metrics by OTLP, over the transports that carry the other signals.

use super::{OtlpExporter, Target, encode, transport};
use crate::ConfigError;
use crate::config::Otlp;
use crate::export::metrics::MetricSink;
use crate::export::{Exporter, Exporting, Signal};
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use std::sync::Arc;

/// The exporter of metrics that these settings ask for; what is wrong with them goes to `problems`.
pub(crate) fn metric_sink(otlp: &Otlp, problems: &mut ConfigError) -> Option<Arc<dyn MetricSink>> {
    // What is wrong for spans, too, is said once.
    let mut own = ConfigError::default();
    let exporter = transport(&Target::metrics(otlp), &mut own);
    problems.absorb(own);
    Some(Arc::new(exporter?))
}

impl<'a> Target<'a> {
    /// These settings are those of metrics alone, so a URL that is used as it is is theirs.
    fn metrics(otlp: &'a Otlp) -> Self {
        Self { signal: Signal::Metrics, ..Self::spans(otlp) }
    }
}

impl MetricSink for OtlpExporter {
    fn name(&self) -> String {
        Exporter::name(self)
    }

    fn export<'a>(&'a self, metrics: &'a [ResourceMetrics]) -> Exporting<'a> {
        Box::pin(self.send(encode::metrics::request(metrics)))
    }
}
