//! What `tracing` with `tracing-opentelemetry` does where otelier does something else, so that docs/traps.md says what is
//! true. Where one of these tests fails the peer has become better, and the page should say so.

use opentelemetry::Value;
use opentelemetry::trace::{Status, TracerProvider};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Waker};
use tracing::instrument;
use tracing_subscriber::layer::SubscriberExt;

/// Keeps what it exports.
#[derive(Clone, Debug, Default)]
struct Kept(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Kept {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(batch);
        Ok(())
    }
}

/// The one span that `call` makes.
fn span_of(call: impl FnOnce()) -> SpanData {
    let kept = Kept::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(kept.clone()).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("traps"));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), call);
    let mut spans = std::mem::take(&mut *kept.0.lock().unwrap_or_else(PoisonError::into_inner));
    assert_eq!(spans.len(), 1, "{spans:?}");
    spans.remove(0)
}

fn attribute<'a>(span: &'a SpanData, key: &str) -> Option<&'a Value> {
    span.attributes.iter().find(|attribute| attribute.key.as_str() == key).map(|attribute| &attribute.value)
}

#[test]
fn tracing_records_arguments_that_nobody_named() {
    #[instrument]
    fn login(user: &str, password: &str) -> usize {
        user.len() + password.len()
    }
    let span = span_of(|| assert_eq!(login("ada", "secret"), 9));
    assert_eq!(attribute(&span, "password").map(Value::as_str).as_deref(), Some("secret"));
}

#[test]
fn tracing_makes_text_of_unsigned_integers_and_lists() {
    #[instrument(skip_all, fields(app.bytes = bytes, app.list = ?list))]
    fn store(bytes: u64, list: &[i64]) -> usize {
        list.len() + usize::try_from(bytes).unwrap_or_default()
    }
    let span = span_of(|| assert_eq!(store(7, &[1, 2]), 9));
    assert!(matches!(attribute(&span, "app.bytes"), Some(Value::String(_))), "{span:?}");
    assert!(matches!(attribute(&span, "app.list"), Some(Value::String(_))), "{span:?}");
}

#[test]
fn tracing_leaves_the_status_of_an_error_unset_unless_it_is_asked_for() {
    type Answer = std::io::Result<u8>;

    #[instrument]
    fn fails() -> Answer {
        Err(std::io::ErrorKind::NotFound.into())
    }
    let span = span_of(|| assert!(fails().is_err()));
    assert_eq!(span.status, Status::Unset);
}

#[test]
fn tracing_leaves_the_status_of_a_panic_unset() {
    #[instrument]
    fn panics() -> u8 {
        panic!("on purpose")
    }
    let span = span_of(|| assert!(std::panic::catch_unwind(panics).is_err()));
    assert_eq!(span.status, Status::Unset);
    assert_eq!(attribute(&span, "error.type"), None);
}

#[test]
fn tracing_does_not_tell_a_cancelled_future_from_one_that_ended() {
    #[instrument]
    async fn waits() {
        std::future::pending::<()>().await;
    }
    let span = span_of(|| {
        let mut future = Box::pin(waits());
        assert!(pin!(&mut future).poll(&mut Context::from_waker(Waker::noop())).is_pending());
    });
    assert_eq!(span.status, Status::Unset);
    assert!(span.attributes.iter().all(|attribute| !attribute.key.as_str().contains("cancel")), "{span:?}");
}
