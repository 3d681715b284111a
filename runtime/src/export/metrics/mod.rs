//! Where metrics go.

mod console;
pub(crate) mod json;
mod measured;
#[cfg(feature = "prometheus")]
pub(crate) mod prometheus;
mod sdk;

pub(crate) use console::Console;
#[cfg_attr(not(feature = "_otlp"), allow(unused_imports))]
pub(crate) use measured::{Measured, Number, Span, nanos, temporality};
pub(crate) use sdk::SdkSink;

use super::delivery::Stop;
use super::{Accepted, Book, Failure};
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ResourceMetrics};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// The future that a sink returns.
pub(crate) type Sinking<'a> = Pin<Box<dyn Future<Output = Result<Accepted, Failure>> + Send + 'a>>;

/// Sends what a reader has collected. Called on the thread of the reader, inside its Tokio runtime.
pub(crate) trait MetricSink: fmt::Debug + Send + Sync {
    /// The name in [`Stats`](crate::Stats).
    fn name(&self) -> String;

    /// Sends all of this. The reader drops the future when the export timeout is over.
    fn export<'a>(&'a self, metrics: &'a [ResourceMetrics]) -> Sinking<'a>;

    /// Called once, before the first export.
    fn begin(&self, _book: &Arc<Book>, _stop: &Stop) {}

    /// Somebody flushes: what an export waits with is to be tried now.
    fn hurry(&self) {}

    /// Ends once the export that is under way was tried, be it in vain. Polled after the export.
    fn tried(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::pending())
    }

    /// Called once, after the last export.
    fn shutdown(&self, _timeout: Duration) -> Result<(), String> {
        Ok(())
    }
}

/// How many data points these are.
pub(crate) fn data_points(metrics: &[ResourceMetrics]) -> u64 {
    fn of<T>(data: &MetricData<T>) -> usize {
        match data {
            MetricData::Gauge(gauge) => gauge.data_points().count(),
            MetricData::Sum(sum) => sum.data_points().count(),
            MetricData::Histogram(histogram) => histogram.data_points().count(),
            MetricData::ExponentialHistogram(histogram) => histogram.data_points().count(),
        }
    }
    let scopes = metrics.iter().flat_map(ResourceMetrics::scope_metrics);
    let counts = scopes.flat_map(|scope| scope.metrics()).map(|metric| match metric.data() {
        AggregatedMetrics::F64(data) => of(data),
        AggregatedMetrics::U64(data) => of(data),
        AggregatedMetrics::I64(data) => of(data),
    });
    counts.sum::<usize>() as u64
}
