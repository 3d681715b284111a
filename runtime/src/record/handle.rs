//! Our spans as OpenTelemetry's API sees them.

use super::shared::SharedSpan;
use super::thread;
use crate::wire::status;
use opentelemetry::trace::{Span, SpanContext, Status, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;
use std::time::SystemTime;

/// A span of ours inside an OpenTelemetry [`Context`](opentelemetry::Context), or one that was made with a tracer.
#[derive(Debug)]
pub struct OtelSpan {
    /// `None` if nothing is recorded.
    span: Option<Arc<SharedSpan>>,
    context: SpanContext,
    /// Whether the span ends with this handle, because nobody else ends it.
    owned: bool,
}

impl OtelSpan {
    /// A handle of a span that somebody else ends.
    pub(crate) fn of(span: Arc<SharedSpan>, context: SpanContext) -> Self {
        Self { span: Some(span), context, owned: false }
    }

    /// A span that ends with this handle.
    pub(crate) fn owner(span: Option<Arc<SharedSpan>>, context: SpanContext) -> Self {
        Self { span, context, owned: true }
    }
}

/// The span of ours that is recorded in a context.
///
/// OpenTelemetry's context shows nobody what kind of span it holds. So the span is told something that means nothing to
/// spans (a status that is not set is ignored, the specification says), and one of ours answers.
pub(crate) fn span_of(context: &Context) -> Option<Arc<SharedSpan>> {
    let thread = thread::existing()?;
    thread.asked.set(Some(None));
    context.span().set_status(Status::Unset);
    thread.asked.take().flatten()
}

fn answer(span: &Arc<SharedSpan>) {
    if let Some(thread) = thread::existing()
        && thread.asked.take().is_some()
    {
        thread.asked.set(Some(Some(Arc::clone(span))));
    }
}

impl Span for OtelSpan {
    fn add_event<T: Into<Cow<'static, str>>>(&mut self, name: T, attributes: Vec<KeyValue>) {
        if let Some(span) = &self.span {
            span.event(&name.into(), None, &attributes);
        }
    }

    fn add_event_with_timestamp<T: Into<Cow<'static, str>>>(
        &mut self,
        name: T,
        timestamp: SystemTime,
        attributes: Vec<KeyValue>,
    ) {
        if let Some(span) = &self.span {
            span.event(&name.into(), Some(timestamp), &attributes);
        }
    }

    fn record_error(&mut self, error: &dyn Error) {
        if let Some(span) = &self.span {
            let attributes = [KeyValue::new("exception.message", error.to_string())];
            span.event("exception", None, &attributes);
        }
    }

    fn span_context(&self) -> &SpanContext {
        &self.context
    }

    fn is_recording(&self) -> bool {
        self.span.as_ref().is_some_and(|span| span.is_open())
    }

    fn set_attribute(&mut self, attribute: KeyValue) {
        if let Some(span) = &self.span {
            span.attribute(attribute.key.as_str(), &attribute.value);
        }
    }

    fn set_status(&mut self, status: Status) {
        if let Some(span) = &self.span {
            match status {
                Status::Unset => answer(span),
                Status::Ok => span.status(status::OK, ""),
                Status::Error { description } => span.status(status::ERROR, &description),
            }
        }
    }

    fn update_name<T: Into<Cow<'static, str>>>(&mut self, name: T) {
        if let Some(span) = &self.span {
            span.rename(&name.into());
        }
    }

    fn add_link(&mut self, span_context: SpanContext, attributes: Vec<KeyValue>) {
        if let Some(span) = &self.span {
            span.link(&span_context, &attributes);
        }
    }

    fn end(&mut self) {
        if let Some(span) = self.span.as_ref().filter(|_| self.owned) {
            span.end(None);
        }
    }

    fn end_with_timestamp(&mut self, timestamp: SystemTime) {
        if let Some(span) = self.span.as_ref().filter(|_| self.owned) {
            span.end(Some(timestamp));
        }
    }
}

impl Drop for OtelSpan {
    fn drop(&mut self) {
        self.end();
    }
}
