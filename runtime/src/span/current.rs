//! The span that is active just now.

use super::{builder, set_status};
use crate::attribute::{AnyAttribute, AttributeSink, SpanAttributes};
use crate::record::{ErrorClass, Outcome, SharedSpan, Told, adopt, is_busy, owned, settle, span_of};
use crate::relation::Links;
use opentelemetry::trace::{SpanContext, Status, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use std::fmt;
use std::sync::Arc;

/// The span that is active on this thread: of an annotated function, made by hand, or of OpenTelemetry's API, whoever made
/// it. See [`CurrentSpan`].
///
/// ```
/// use otelier::prelude::*;
///
/// // Not annotated, and called from many places.
/// fn look_up(key: &str) -> Option<u32> {
///     otelier::current_span().set_attribute("app.key", key);
///     None
/// }
///
/// #[trace]
/// fn answer() {
///     look_up("symbol"); // `app.key` is an attribute of `answer`.
/// }
/// # answer();
/// ```
pub fn current_span() -> CurrentSpan {
    if is_busy() {
        return CurrentSpan(Target::Attached(Context::new()));
    }
    let context = Context::current();
    CurrentSpan(match adopt(&context) {
        Some((span, context)) => Target::Lazy(span, context),
        None => Target::Attached(context),
    })
}

/// A handle of the span that was active when [`current_span`] was called.
///
/// It does not keep the span open: what is recorded after the span's end goes nowhere. It may be sent to another thread.
/// Where no span is active, and where the active one is not recorded, everything does nothing. In a task that was spawned,
/// or on a thread that was started below a span, that span belongs to somebody else and is not reached; give the task a
/// span of its own.
#[derive(Clone, Debug)]
pub struct CurrentSpan(Target);

#[derive(Clone, Debug)]
enum Target {
    /// A span that only its function knows of.
    Lazy(Arc<SharedSpan>, SpanContext),
    /// A span in OpenTelemetry's context; perhaps not ours, perhaps none.
    Attached(Context),
}

impl CurrentSpan {
    /// Records on our own span, or on one of OpenTelemetry's.
    fn record(&self, ours: impl FnOnce(&SharedSpan), others: impl FnOnce(&opentelemetry::trace::SpanRef<'_>)) {
        match &self.0 {
            Target::Lazy(span, _) => {
                ours(span);
                settle();
            }
            Target::Attached(context) => {
                let span = context.span();
                if span.is_recording() {
                    others(&span);
                }
            }
        }
    }

    /// Whether what is recorded goes anywhere.
    pub fn is_recording(&self) -> bool {
        match &self.0 {
            Target::Lazy(span, _) => span.is_open(),
            Target::Attached(context) => context.span().is_recording(),
        }
    }

    /// The ids of the span; not valid if there is none.
    pub fn span_context(&self) -> SpanContext {
        match &self.0 {
            Target::Lazy(_, context) => context.clone(),
            Target::Attached(context) => context.span().span_context().clone(),
        }
    }

    /// Records an attribute; of two values the later one counts.
    pub fn set_attribute(&self, key: &str, value: impl AnyAttribute) {
        self.record(
            |span| span.attribute(key, &value),
            |span| owned(&value).into_iter().for_each(|value| span.set_attribute(KeyValue::new(key.to_owned(), value))),
        );
    }

    /// Records the attributes of a struct that derives [`SpanAttributes`](macro@crate::SpanAttributes). It is not looked at
    /// if nothing is recorded.
    pub fn set_attributes(&self, of: &(impl SpanAttributes + ?Sized)) {
        self.record(
            |span| span.attributes(of),
            |span| span.set_attributes(builder::collect(|to| of.record_attributes(to))),
        );
    }

    /// Records an event.
    pub fn add_event(&self, name: &str, attributes: impl IntoIterator<Item = KeyValue>) {
        self.event(name, || attributes.into_iter().collect());
    }

    /// Records an event whose attributes are values of any type that an attribute takes. `record` is not called if nothing
    /// is recorded.
    pub fn add_event_with(&self, name: &str, record: impl FnOnce(&mut AttributeSink<'_>)) {
        if self.is_recording() {
            self.event(name, || builder::collect(record));
        }
    }

    fn event(&self, name: &str, attributes: impl FnOnce() -> Vec<KeyValue>) {
        let attributes = attributes();
        match &self.0 {
            Target::Lazy(span, _) => {
                span.event(name, None, &attributes);
                settle();
            }
            Target::Attached(context) => context.span().add_event(name.to_owned(), attributes),
        }
    }

    /// Links to another span.
    pub fn add_link(&self, to: &SpanContext, attributes: impl IntoIterator<Item = KeyValue>) {
        let attributes: Vec<_> = attributes.into_iter().collect();
        match &self.0 {
            Target::Lazy(span, _) => {
                span.link(to, &attributes);
                settle();
            }
            Target::Attached(context) => context.span().add_link(to.clone(), attributes),
        }
    }

    /// Links to every span that a value names; what is not valid makes no link.
    pub fn add_links(&self, to: &(impl Links + ?Sized)) {
        self.record(
            |span| span.links(to),
            |span| {
                to.each_link(&mut |to, attributes| {
                    if to.is_valid() {
                        span.add_link(to.clone(), attributes.to_vec());
                    }
                });
            },
        );
    }

    /// Records an error as an annotated function does that returns it: an exception event, `error.type` and the status.
    ///
    /// ```
    /// if let Err(error) = "seven".parse::<u32>() {
    ///     otelier::current_span().record_error(&error);
    /// }
    /// ```
    pub fn record_error<E: fmt::Display>(&self, error: &E) {
        self.fail(&Outcome::of_told(&Told { error, exception_type: std::any::type_name::<E>() }));
    }

    /// Records an error that says itself what it is; see [`Span::record_error_class`](super::Span::record_error_class).
    pub fn record_error_class<E: ErrorClass>(&self, error: &E) {
        self.fail(&Outcome::of_class(error));
    }

    fn fail(&self, outcome: &Outcome<'_>) {
        if let Target::Attached(context) = &self.0
            && let Some(span) = span_of(context)
        {
            return span.fail(outcome);
        }
        self.record(
            |span| span.fail(outcome),
            |span| {
                let Some(failure) = outcome.texts() else { return };
                let exception = [
                    Some(KeyValue::new("exception.type", failure.exception_type)),
                    failure.message.clone().map(|message| KeyValue::new("exception.message", message)),
                ];
                span.add_event("exception", exception.into_iter().flatten().collect());
                span.set_attribute(KeyValue::new("error.type", failure.error_type));
                if !failure.is_expected {
                    span.set_status(Status::error(failure.message.unwrap_or_default()));
                }
            },
        );
    }

    /// Sets the status. "Ok" is final; an error wins over an unset status.
    pub fn set_status(&self, status: Status) {
        match &self.0 {
            Target::Lazy(span, _) => {
                set_status(span, status);
                settle();
            }
            Target::Attached(context) => context.span().set_status(status),
        }
    }

    /// Gives the span another name.
    pub fn update_name(&self, name: &str) {
        self.record(|span| span.rename(name), |span| span.update_name(name.to_owned()));
    }
}
