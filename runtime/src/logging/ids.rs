//! What a line is told.

use crate::bridge::current_span_context;
use crate::correlation::correlation_id;
use opentelemetry::Context;
use opentelemetry::trace::SpanContext;
use std::fmt;
use std::sync::Arc;

/// The ids that are current. Nothing is borrowed, so that what a line shows may log itself.
pub(super) struct Ids {
    pub(super) span: Option<SpanContext>,
    pub(super) correlation: Option<Arc<str>>,
}

impl Ids {
    pub(super) fn current() -> Self {
        if !is_alive() {
            return Self { span: None, correlation: None };
        }
        let span = current_span_context();
        Self { span: span.is_valid().then_some(span), correlation: correlation_id() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.span.is_none() && self.correlation.is_none()
    }
}

/// `trace_id=… span_id=… correlation_id=…`, of what there is.
impl fmt::Display for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(span) = &self.span {
            write!(f, "trace_id={} span_id={}", span.trace_id(), span.span_id())?;
        }
        if let Some(correlation) = &self.correlation {
            let space = if self.span.is_some() { " " } else { "" };
            write!(f, "{space}correlation_id={correlation}")?;
        }
        Ok(())
    }
}

/// Ends before OpenTelemetry's context of the thread does, because it begins later.
struct Alive(bool);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0 = false;
    }
}

thread_local! {
    /// OpenTelemetry cannot be asked whether its context is gone, and it panics if it is: destructors of a thread's other values
    /// may log after that.
    static ALIVE: Alive = Alive(std::panic::catch_unwind(|| Context::map_current(|_| ())).is_ok());
}

fn is_alive() -> bool {
    ALIVE.try_with(|alive| alive.0).unwrap_or(false)
}
