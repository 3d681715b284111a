//! What a line is told.

use crate::bridge::{current_span_context, is_of_opentelemetry};
use crate::correlation::correlation_id;
use crate::record::has_context;
use opentelemetry::trace::SpanContext;
use std::fmt;
use std::sync::Arc;

/// The ids that are current. Nothing is borrowed, so that what a line shows may log itself.
pub(super) struct Ids {
    pub(super) span: Option<SpanContext>,
    pub(super) correlation: Option<Arc<str>>,
}

impl Ids {
    /// For a line of this target.
    pub(super) fn current(target: &str) -> Self {
        // Destructors of a thread's other values may log after the context is gone.
        if is_of_opentelemetry(target) || !has_context() {
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
