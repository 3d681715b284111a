//! Metrics by OTLP, over the transports that carry the other signals.

use super::{Encoding, Sender, Service, encode};
use crate::ConfigError;
use crate::config::Otlp;
use crate::export::Exporting;
use crate::export::metrics::{MetricSink, json};
use bytes::Bytes;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use std::sync::Arc;

/// The exporter of metrics that these settings ask for; what is wrong with them goes to `problems`.
pub(crate) fn metric_sink(otlp: &Otlp, problems: &mut ConfigError) -> Option<Arc<dyn MetricSink>> {
    // What is wrong for spans, too, is said once.
    let mut own = ConfigError::default();
    let sender = Sender::new(Service::Metrics, otlp, &mut own);
    problems.absorb(own);
    Some(Arc::new(OtlpMetrics(sender?)))
}

/// Sends metrics by OTLP.
#[derive(Debug)]
struct OtlpMetrics(Sender);

impl MetricSink for OtlpMetrics {
    fn name(&self) -> String {
        self.0.name()
    }

    fn export<'a>(&'a self, metrics: &'a [ResourceMetrics]) -> Exporting<'a> {
        let request = Bytes::from(match self.0.encoding() {
            Encoding::Protobuf => encode::metrics::request(metrics),
            Encoding::Json => json::request(metrics),
        });
        Box::pin(async move { self.0.send(request).await.map_err(|error| error.to_string()) })
    }
}
