//! What annotations make of correlation contexts.

use super::{CorrelationContext, Settings};
use crate::record::Begin;
use opentelemetry::Context;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

/// A value that an annotation may name as the context it runs in: `#[trace_job(correlation = message.correlation())]`.
///
/// Implemented for [`CorrelationContext`], for OpenTelemetry's [`Context`], whether it has one [entered](CorrelationContext)
/// or [received in its baggage](CorrelationContext::from_baggage), and for `Option`, references, `Box`, `Arc` and `Rc` of
/// these. Where the value has none, the current one counts, or a new one.
///
/// ```
/// use otelier::CorrelationContext;
/// use otelier::correlation::Correlate;
///
/// struct Message {
///     order: String,
/// }
///
/// impl Correlate for Message {
///     fn correlation_context(&self) -> Option<CorrelationContext> {
///         CorrelationContext::with_id(&self.order).ok()
///     }
/// }
///
/// #[otelier::trace_job(correlation = message)]
/// fn handle(message: &Message) -> Option<String> {
///     otelier::correlation_id().map(|id| id.to_string())
/// }
///
/// assert_eq!(handle(&Message { order: "order-42".into() }).as_deref(), Some("order-42"));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no correlation context",
    label = "names no correlation context",
    note = "it is a `CorrelationContext`, a `Context` of OpenTelemetry's, or an `Option` of one of these",
    note = "implement `otelier::correlation::Correlate` for a type of your own"
)]
pub trait Correlate {
    /// The context; `None` if the value has none.
    fn correlation_context(&self) -> Option<CorrelationContext>;
}

impl Correlate for CorrelationContext {
    fn correlation_context(&self) -> Option<CorrelationContext> {
        Some(self.clone())
    }
}

impl Correlate for Context {
    fn correlation_context(&self) -> Option<CorrelationContext> {
        CorrelationContext::of_context(self).or_else(|| {
            let settings = Settings::of_process().clone().with_generate(false);
            CorrelationContext::from_baggage(self, &settings)
        })
    }
}

impl<C: Correlate> Correlate for Option<C> {
    fn correlation_context(&self) -> Option<CorrelationContext> {
        self.as_ref().and_then(C::correlation_context)
    }
}

macro_rules! pointers {
    ($($pointer:ty),*) => {$(
        impl<T: Correlate + ?Sized> Correlate for $pointer {
            fn correlation_context(&self) -> Option<CorrelationContext> {
                (**self).correlation_context()
            }
        }
    )*};
}

pointers!(&T, &mut T, Box<T>, Arc<T>, Rc<T>);

/// What a function runs in: what the annotation names, or else the id it gives, or else what is current, or else a new one;
/// with the job that the annotation names. An id that is not acceptable is an attribute alone.
pub fn of_job(given: Option<CorrelationContext>, id: Option<String>, job: Option<String>) -> CorrelationContext {
    let by_id = || id.and_then(|id| CorrelationContext::with_id(id).ok());
    let context = given.or_else(by_id).unwrap_or_else(CorrelationContext::get_or_new);
    match job {
        Some(job) => context.with_job(job),
        None => context,
    }
}

/// A span that begins in this context also below a parent that is given.
pub fn begin(begin: Begin, correlation: &CorrelationContext) -> Begin {
    begin.inside(|parent| correlation.context(parent))
}

/// The value of an attribute as text, where it can be shown.
#[derive(Debug)]
pub struct Text<'a, T: ?Sized>(pub &'a T);

/// For what may not be there.
pub trait TextOptional {
    /// The text, if there is one.
    fn otelier_text(&self) -> Option<String>;
}

impl<T: fmt::Display> TextOptional for &&Text<'_, Option<T>> {
    fn otelier_text(&self) -> Option<String> {
        self.0.as_ref().map(ToString::to_string)
    }
}

/// For what can be shown.
pub trait TextShown {
    /// The text, if there is one.
    fn otelier_text(&self) -> Option<String>;
}

impl<T: fmt::Display + ?Sized> TextShown for &Text<'_, T> {
    fn otelier_text(&self) -> Option<String> {
        Some(self.0.to_string())
    }
}

/// For the rest.
pub trait TextUnknown {
    /// The text, if there is one.
    fn otelier_text(&self) -> Option<String>;
}

/// The attribute's own check says what is wrong with it.
impl<T: ?Sized> TextUnknown for Text<'_, T> {
    fn otelier_text(&self) -> Option<String> {
        None
    }
}
