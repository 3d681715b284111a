//! Metrics by OTLP, over the transports that carry the other signals.

use super::encode;
use crate::ConfigError;
use crate::config::{CircuitBreaker, Otlp, Retry};
use crate::export::delivery::{Delivery, Format, Receiver, Stop, Turns};
use crate::export::metrics::{MetricSink, Sinking, data_points, json};
use crate::export::{Book, Failure, Signal};
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

/// The exporter of metrics to the first of these receivers that works; what is wrong with the settings goes to `problems`.
pub(crate) fn metric_sink<'a>(
    all: impl IntoIterator<Item = &'a Otlp>,
    retry: &Retry,
    breaker: &CircuitBreaker,
    problems: &mut ConfigError,
) -> Option<Arc<dyn MetricSink>> {
    let receivers: Vec<_> =
        all.into_iter().map(|otlp| super::receiver(Signal::Metrics, otlp, retry, problems)).collect();
    let receivers = receivers.into_iter().collect::<Option<Vec<_>>>()?;
    let (retry, breaker) = (retry.clone(), breaker.clone());
    Some(Arc::new(OtlpMetrics { receivers, retry, breaker, turns: Arc::new(Turns::new()), delivery: OnceLock::new() }))
}

/// Sends metrics by OTLP.
#[derive(Debug)]
struct OtlpMetrics {
    receivers: Vec<Arc<dyn Receiver>>,
    retry: Retry,
    breaker: CircuitBreaker,
    turns: Arc<Turns>,
    /// Made when the reader starts.
    delivery: OnceLock<Delivery>,
}

impl MetricSink for OtlpMetrics {
    fn name(&self) -> String {
        crate::export::delivery::name(&self.receivers)
    }

    fn begin(&self, book: &Arc<Book>, stop: &Stop) {
        let delivery =
            || Delivery::new(self.receivers.clone(), &self.retry, &self.breaker, Arc::clone(book), stop.clone());
        self.delivery.get_or_init(delivery);
    }

    fn hurry(&self) {
        self.turns.hurry();
    }

    fn tried(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.turns.all_settled())
    }

    fn export<'a>(&'a self, metrics: &'a [ResourceMetrics]) -> Sinking<'a> {
        Box::pin(async move {
            let Some(delivery) = self.delivery.get() else { return Err(Failure::NotTried) };
            let request = |receiver: &dyn Receiver| match receiver.format() {
                Format::Protobuf => Some(encode::metrics::request(metrics)),
                Format::Json => Some(json::request(metrics)),
                Format::Zipkin => None,
            };
            // Given up before the reader gives it up, which could not say why.
            let budget = self.retry.max_elapsed.min(delivery.book.timeout / 10 * 9);
            delivery.deliver(data_points(metrics), &request, &mut self.turns.begin(), budget).await
        })
    }
}
