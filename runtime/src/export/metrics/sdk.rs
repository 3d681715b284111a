//! Exporters of metrics that were made for the OpenTelemetry SDK.

use super::MetricSink;
use super::Sinking;
use crate::export::sdk::type_name;
use crate::export::{Accepted, Failure};
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use std::fmt;
use std::time::Duration;

/// An exporter of the SDK, fed by a reader of ours.
pub(crate) struct SdkSink<E>(pub(crate) E);

impl<E> fmt::Debug for SdkSink<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SdkSink").field(&type_name::<E>()).finish()
    }
}

impl<E: PushMetricExporter> MetricSink for SdkSink<E> {
    fn name(&self) -> String {
        type_name::<E>()
    }

    fn export<'a>(&'a self, metrics: &'a [ResourceMetrics]) -> Sinking<'a> {
        Box::pin(async move {
            for metrics in metrics {
                self.0.export(metrics).await.map_err(|error| Failure::Failed(error.to_string()))?;
            }
            Ok(Accepted::default())
        })
    }

    fn shutdown(&self, timeout: Duration) -> Result<(), String> {
        self.0.shutdown_with_timeout(timeout).map_err(|error| error.to_string())
    }
}
