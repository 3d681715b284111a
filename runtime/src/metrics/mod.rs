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
use crate::config::{MetricExporter, MetricReader};
use crate::export::metrics::{Console, MetricSink};
use std::sync::Arc;

/// The exporter that a reader's settings ask for; what is wrong with them goes to `problems`.
pub(crate) fn sink(reader: &MetricReader, problems: &mut ConfigError) -> Option<Arc<dyn MetricSink>> {
    match &reader.exporter {
        MetricExporter::Console => Some(Arc::new(Console)),
        MetricExporter::OtlpFile(file) => crate::export::otlp_file::metric_sink(file, problems),
        MetricExporter::Failover(_) => None,
        #[cfg(feature = "_otlp")]
        MetricExporter::Otlp(otlp) => crate::export::otlp::metric_sink(otlp, problems),
        #[cfg(not(feature = "_otlp"))]
        MetricExporter::Otlp(_) => {
            let mut missing = ConfigError::default();
            missing
                .push("OTLP is configured, but `otelier` was built without the features `otlp-http` and `otlp-grpc`");
            problems.absorb(missing);
            None
        }
    }
}
