//! What a `tracing::Span` can do because it is a span of ours.

use super::layer::Reach;
use super::open::LibrarySpan;
use crate::attribute::AnyAttribute;
use crate::record::owned;
use crate::relation::{Links, ParentContext};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt};
use std::fmt;
use std::sync::Arc;

/// Why a span of `tracing` did not get another parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SetParentError {
    /// The value names no valid span: there are no headers, or broken ones. The parent is what it was.
    NoParent,
    /// The span has begun: it was entered, or somebody has asked for its ids. Set the parent directly after the span is
    /// made.
    Begun,
    /// The span is not one of ours: it is disabled or filtered, telemetry is off, or its subscriber has no
    /// [`layer`](super::layer()).
    NotOurs,
    /// The span is not recorded, because it was made below one that is not sampled, or where telemetry is suppressed.
    NotRecorded,
}

impl fmt::Display for SetParentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoParent => "the value names no valid span to be the parent",
            Self::Begun => {
                "the span has begun, and its parent cannot be changed any more; set it before the span is entered"
            }
            Self::NotOurs => "the span is disabled, telemetry is off, or its subscriber has no layer of otelier",
            Self::NotRecorded => "the span is not recorded, because the one it was made below is not",
        })
    }
}

impl std::error::Error for SetParentError {}

/// What a [`tracing::Span`](::tracing::Span) can do where its subscriber has a [`layer`](super::layer()) of ours; everything
/// does nothing where it has none.
///
/// ```
/// use opentelemetry::trace::TraceContextExt;
/// use otelier::tracing::{SetParentError, SpanExt};
/// use tracing_subscriber::layer::SubscriberExt;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let telemetry = otelier::init(otelier::Telemetry::default())?;
/// let subscriber = tracing_subscriber::registry().with(otelier::tracing::layer());
/// tracing::subscriber::with_default(subscriber, || {
///     let request = tracing::info_span!("request");
///     let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
///     assert_eq!(request.set_parent(traceparent), Ok(()));
///     request.set_attribute("app.symbols", ["BTCUSDT", "ETHUSDT"]);
///     assert_eq!(request.span_context().trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
///     // It has begun now.
///     assert_eq!(request.set_parent(traceparent), Err(SetParentError::Begun));
/// });
/// # telemetry.shutdown()?;
/// # Ok(())
/// # }
/// ```
pub trait SpanExt: sealed::Sealed {
    /// The context with this span in it, to be attached or handed on. The span begins if it has not. Empty if the span is
    /// not one of ours.
    fn context(&self) -> Context;

    /// The ids of the span, which begins if it has not; not valid if the span is not one of ours.
    fn span_context(&self) -> SpanContext;

    /// Makes the span in a context, or the one that headers or a `traceparent` name, the parent of this one.
    ///
    /// # Errors
    ///
    /// If that is not possible: see [`SetParentError`]. Then nothing has changed.
    fn set_parent(&self, parent: &(impl ParentContext + ?Sized)) -> Result<(), SetParentError>;

    /// Links to every span that a value names; what is not valid makes no link.
    fn add_link(&self, to: &(impl Links + ?Sized));

    /// Records an attribute that need not be a field of the span; of two values the later one counts.
    fn set_attribute(&self, key: &str, value: impl AnyAttribute);
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for ::tracing::Span {}
}

fn find(span: &::tracing::Span) -> Option<Arc<LibrarySpan>> {
    span.with_subscriber(|(id, dispatch)| dispatch.downcast_ref::<Reach>()?.find(dispatch, id)).flatten()
}

impl SpanExt for ::tracing::Span {
    fn context(&self) -> Context {
        find(self).and_then(|span| span.begun().map(|begun| begun.context.clone())).unwrap_or_default()
    }

    fn span_context(&self) -> SpanContext {
        self.context().span().span_context().clone()
    }

    fn set_parent(&self, parent: &(impl ParentContext + ?Sized)) -> Result<(), SetParentError> {
        let parent = parent.parent_context().ok_or(SetParentError::NoParent)?;
        find(self).ok_or(SetParentError::NotOurs)?.set_parent(parent)
    }

    fn add_link(&self, to: &(impl Links + ?Sized)) {
        if let Some(span) = find(self) {
            to.each_link(&mut |to, attributes| {
                if to.is_valid() {
                    span.link(to, attributes.to_vec());
                }
            });
        }
    }

    fn set_attribute(&self, key: &str, value: impl AnyAttribute) {
        if let Some(span) = find(self) {
            owned(&value).into_iter().for_each(|value| span.attribute(key, value));
        }
    }
}
