//! Answers one question.

use super::PATIENCE;
use crate::config::Prometheus;
use crate::diagnostics::{self, LogLevel};
use crate::export::metrics::prometheus::{self, Exposition};
use crate::export::{Accepted, Book, Failure};
use crate::record;
use bytes::Bytes;
use http::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::ManualReader;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Mutex;

/// Version 0.0.4 of the text format, which everybody reads.
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8; escaping=underscores");
/// Version 1.0.0 has names with any characters.
const UTF8_TEXT: HeaderValue =
    HeaderValue::from_static("text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8");
const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// Where metrics come from.
pub(super) struct Source {
    inner: Arc<Inner>,
    /// Held while metrics are collected, also after nobody waits for them any more: a callback that hangs takes one thread,
    /// and not one more for each question.
    turn: Arc<Mutex<()>>,
}

struct Inner {
    settings: Prometheus,
    collected: Vec<Arc<ManualReader>>,
    resource: Resource,
    book: Arc<Book>,
}

impl Source {
    pub(super) fn new(
        settings: Prometheus,
        collected: Vec<Arc<ManualReader>>,
        resource: Resource,
        book: Arc<Book>,
    ) -> Self {
        Self { inner: Arc::new(Inner { settings, collected, resource, book }), turn: Arc::default() }
    }

    /// The text, or why there is none.
    async fn text(&self, utf8: bool) -> Result<Exposition, Failure> {
        let collecting = async {
            let turn = Arc::clone(&self.turn).lock_owned().await;
            let inner = Arc::clone(&self.inner);
            // Callbacks may block, and must not hold up other answers.
            let collecting = tokio::task::spawn_blocking(move || {
                let _turn = turn;
                inner.text(utf8)
            });
            collecting.await.unwrap_or_else(|error| Err(Failure::Collect(error.to_string())))
        };
        tokio::time::timeout(PATIENCE, collecting).await.unwrap_or(Err(Failure::Timeout(PATIENCE)))
    }
}

impl Inner {
    fn text(&self, utf8: bool) -> Result<Exposition, Failure> {
        record::never_here();
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        let _exporting = self.book.exporting();
        let made = catch_unwind(AssertUnwindSafe(|| {
            let mut all = Vec::with_capacity(self.collected.len());
            let begin = Instant::now();
            for reader in &self.collected {
                let _polling = self.book.polling();
                let mut metrics = ResourceMetrics::default();
                if let Err(error) = reader.collect(&mut metrics) {
                    let failure = Failure::Collect(error.to_string());
                    self.book.collected(begin.elapsed(), Some(failure.error_type()));
                    return Err(failure);
                }
                all.push(metrics);
            }
            self.book.collected(begin.elapsed(), None);
            Ok(prometheus::text(&all, &self.resource, &self.settings, utf8))
        }));
        made.unwrap_or_else(|panic| Err(Failure::of_panic(&*panic)))
    }
}

pub(super) async fn answer<B>(request: &Request<B>, source: &Source) -> Response<Full<Bytes>> {
    if !matches!(request.uri().path(), "/" | "/metrics") {
        return plain(StatusCode::NOT_FOUND, "metrics are at /metrics\n");
    }
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "expected GET or HEAD\n");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let utf8 = source.inner.settings.translation.is_utf8() && takes_utf8(request);
    let (book, begin) = (&source.inner.book, Instant::now());
    let answer = source.text(utf8).await;
    book.attempted(begin.elapsed(), answer.as_ref().err().map(Failure::error_type));
    match answer {
        Ok(Exposition { text, points, left_out }) => {
            for reason in left_out {
                diagnostics::say(LogLevel::Warn, "Prometheus.Metric.LeftOut", &reason, || {
                    format!("{}: {reason}; it is left out", book.name)
                });
            }
            book.hand(points);
            book.book(points, Ok(Accepted::default()));
            let mut response = Response::new(Full::from(text));
            response.headers_mut().insert(CONTENT_TYPE, if utf8 { UTF8_TEXT } else { TEXT });
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err(failure) => {
            // Nothing is lost: the next question gets all values.
            book.book(0, Err(failure));
            plain(StatusCode::SERVICE_UNAVAILABLE, "the metrics could not be collected\n")
        }
    }
}

/// Whether names may have any characters.
fn takes_utf8<B>(request: &Request<B>) -> bool {
    let accepted = request.headers().get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|list| list.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_text = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("text/plain"));
        is_text && parts.any(|part| part.eq_ignore_ascii_case("escaping=allow-utf-8"))
    })
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, PLAIN);
    response
}
