//! Metrics: OpenTelemetry's meter provider from settings, and the threads that read and export it.
//!
//! Each reader has meter providers of the SDK of its own, because views of the SDK hold for all readers of a provider,
//! but limits and default aggregations are a reader's. [`Provider`] hands every measurement to all of them.
//! A reader collects and exports on a thread of its own, so that neither callbacks of observable instruments nor a
//! receiver that hangs hold up spans or other readers.

mod control;
mod global;
mod instruments;
mod lane;
mod provider;
mod reader;
#[cfg(feature = "prometheus")]
mod scrape;

pub(crate) use global::Installed;
pub(crate) use provider::Provider;
pub(crate) use reader::Reading;
#[cfg(feature = "prometheus")]
pub(crate) use scrape::Serving;

use crate::ConfigError;
use crate::config::{MetricExporter, MetricReader, Telemetry};
use crate::export::metrics::{Console, MetricSink};
use std::sync::Arc;

/// The exporter that a reader's settings ask for; what is wrong with them goes to `problems`.
#[cfg_attr(not(feature = "_otlp"), allow(unused_variables))]
pub(crate) fn sink(
    reader: &MetricReader,
    telemetry: &Telemetry,
    problems: &mut ConfigError,
) -> Option<Arc<dyn MetricSink>> {
    #[cfg(feature = "_otlp")]
    use crate::export::otlp::metric_sink;
    #[cfg(feature = "_otlp")]
    let (retry, breaker) = (&telemetry.retry, &telemetry.circuit_breaker);
    match &reader.exporter {
        MetricExporter::Console => Some(Arc::new(Console)),
        MetricExporter::OtlpFile(file) => crate::export::otlp_file::metric_sink(file, problems),
        #[cfg(feature = "_otlp")]
        MetricExporter::Otlp(otlp) => metric_sink([otlp], retry, breaker, problems),
        #[cfg(feature = "_otlp")]
        MetricExporter::Failover(failover) => metric_sink(&failover.exporters, retry, breaker, problems),
        #[cfg(not(feature = "_otlp"))]
        MetricExporter::Otlp(_) | MetricExporter::Failover(_) => {
            let mut missing = ConfigError::default();
            missing
                .push("OTLP is configured, but `otelier` was built without the features `otlp-http` and `otlp-grpc`");
            problems.absorb(missing);
            None
        }
    }
}
