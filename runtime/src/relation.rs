//! What a span can be related to: whose child it is, and what it links to.
//!
//! An annotation takes any value with [`ParentContext`] behind `parent =`, and any value with [`Links`] behind `link =`.
//! Both may be implemented for types of your own, such as the envelope of a message.

use crate::headers::{self, Headers, w3c};
use opentelemetry::trace::{Link, SpanContext, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;

/// A value that names the parent of a span.
///
/// | type | the parent |
/// |-|-|
/// | [`Context`] | the span in it; what else is in the context, such as baggage, is current during the new span |
/// | [`SpanContext`] | that span |
/// | [`HashMap`], [`BTreeMap`], `[(K, V)]`, `Vec<(K, V)>`, `[(K, V); N]` of texts | what OpenTelemetry's global propagator reads from these headers |
/// | `http::HeaderMap` (feature `http`), tonic's `MetadataMap` (feature `tonic`) | the same |
/// | [`propagation::Headers`](crate::propagation::Headers): any list of names with texts or bytes, such as a message has | the same |
/// | [`Environment`](crate::propagation::Environment): variables that the process was started with | the same |
/// | `str`, `String` | a `traceparent` as of W3C trace context, whatever propagator is installed |
/// | `Option` | nothing, or what is in it |
/// | `&P`, `Box<P>`, `Arc<P>`, `Rc<P>`, `Cow<P>` | the same as `P` |
///
/// The global propagator is set by [`init`](crate::init), unless [`Hooks`](crate::config::Hooks) say otherwise, and reads
/// what [`with_propagators`](crate::Telemetry::with_propagators) chose: W3C trace context and baggage by default, also
/// Zipkin's and Jaeger's headers, or nothing. Where none is set, W3C trace context is read. The names of headers are
/// compared without case. Of several `tracestate` or `baggage` headers the list is the sum; of several `traceparent`
/// headers, or several of what else names one span, none names a parent, because nobody knows which one counts.
///
/// Where the value names no valid span, the new span has the parent that it would have without.
///
/// # Implementing it
///
/// It is called at most once for a span, where the span begins, on that thread, and only while telemetry is on. Whatever
/// it is made from may come from strangers, so it must not panic; and it should not block.
///
/// # Examples
///
/// ```
/// use opentelemetry::Context;
/// use opentelemetry::trace::TraceContextExt;
/// use otelier::relation::ParentContext;
///
/// struct Message {
///     traceparent: Option<String>,
/// }
///
/// impl ParentContext for Message {
///     fn parent_context(&self) -> Option<Context> {
///         self.traceparent.parent_context()
///     }
/// }
///
/// let sent = Message { traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()) };
/// let parent = sent.parent_context().expect("it is valid");
/// assert_eq!(parent.span().span_context().span_id().to_string(), "b7ad6b7169203331");
/// assert!(Message { traceparent: Some("nonsense".into()) }.parent_context().is_none());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a span's parent",
    label = "names no span",
    note = "a parent is a `Context`, a `SpanContext`, headers as a map or a list of pairs of texts, the environment, a `traceparent` as text, or an `Option` of one of these",
    note = "implement `otelier::relation::ParentContext` for a type of your own"
)]
pub trait ParentContext {
    /// The context with the parent in it; `None` if the value names no valid span.
    fn parent_context(&self) -> Option<Context>;
}

/// A value that names spans to link to: those that led to the new span without being its parents, such as the producers
/// of the messages in a batch.
///
/// Implemented for [`SpanContext`], [`Context`], OpenTelemetry's [`Link`], `(SpanContext, attributes)`, and `Option`,
/// slices, arrays, `Vec`, references, `Box`, `Arc`, `Rc` of these. Headers name a link by their
/// [`parent_context`](ParentContext::parent_context). What is not valid makes no link.
///
/// # Implementing it
///
/// It is called on the thread where the span is, and only if the span is recorded. It should not block.
///
/// # Examples
///
/// ```
/// use opentelemetry::KeyValue;
/// use opentelemetry::trace::SpanContext;
/// use otelier::relation::{Links, ParentContext};
///
/// struct Batch {
///     traceparents: Vec<String>,
/// }
///
/// impl Links for Batch {
///     fn each_link(&self, f: &mut dyn FnMut(&SpanContext, &[KeyValue])) {
///         for traceparent in &self.traceparents {
///             traceparent.parent_context().each_link(f);
///         }
///     }
/// }
///
/// let mut found = 0;
/// let header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned();
/// Batch { traceparents: vec![header.clone(), "nonsense".into(), header] }.each_link(&mut |_, _| found += 1);
/// assert_eq!(found, 2);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be linked to",
    label = "names no span",
    note = "links are made from a `SpanContext`, a `Context`, a `Link` of OpenTelemetry's, or an `Option`, a slice, an array or a `Vec` of these",
    note = "implement `otelier::relation::Links` for a type of your own"
)]
pub trait Links {
    /// Calls `f` with every span to link to, and the attributes of the link.
    fn each_link(&self, f: &mut dyn FnMut(&SpanContext, &[KeyValue]));
}

impl Links for SpanContext {
    fn each_link(&self, f: &mut dyn FnMut(&SpanContext, &[KeyValue])) {
        f(self, &[]);
    }
}

impl Links for Context {
    fn each_link(&self, f: &mut dyn FnMut(&SpanContext, &[KeyValue])) {
        f(self.span().span_context(), &[]);
    }
}

impl Links for Link {
    fn each_link(&self, f: &mut dyn FnMut(&SpanContext, &[KeyValue])) {
        f(&self.span_context, &self.attributes);
    }
}

impl<A: AsRef<[KeyValue]>> Links for (SpanContext, A) {
    fn each_link(&self, f: &mut dyn FnMut(&SpanContext, &[KeyValue])) {
        f(&self.0, self.1.as_ref());
    }
}

impl<L: Links> Links for Option<L> {
    fn each_link(&self, f: &mut dyn FnMut(&SpanContext, &[KeyValue])) {
        self.iter().for_each(|links| links.each_link(f));
    }
}

impl<L: Links> Links for [L] {
    fn each_link(&self, f: &mut dyn FnMut(&SpanContext, &[KeyValue])) {
        self.iter().for_each(|links| links.each_link(f));
    }
}

impl<L: Links, const N: usize> Links for [L; N] {
    fn each_link(&self, f: &mut dyn FnMut(&SpanContext, &[KeyValue])) {
        self.as_slice().each_link(f);
    }
}

impl<L: Links> Links for Vec<L> {
    fn each_link(&self, f: &mut dyn FnMut(&SpanContext, &[KeyValue])) {
        self.as_slice().each_link(f);
    }
}

impl ParentContext for Context {
    fn parent_context(&self) -> Option<Context> {
        self.span().span_context().is_valid().then(|| self.clone())
    }
}

impl ParentContext for SpanContext {
    fn parent_context(&self) -> Option<Context> {
        self.is_valid().then(|| Context::new().with_remote_span_context(self.clone()))
    }
}

impl<P: ParentContext> ParentContext for Option<P> {
    fn parent_context(&self) -> Option<Context> {
        self.as_ref().and_then(P::parent_context)
    }
}

/// What points to something has the relations of it.
macro_rules! pointers {
    ($($pointer:ty),*) => {$(
        impl<T: Links + ?Sized> Links for $pointer {
            fn each_link(&self, f: &mut dyn FnMut(&SpanContext, &[KeyValue])) {
                (**self).each_link(f);
            }
        }

        impl<T: ParentContext + ?Sized> ParentContext for $pointer {
            fn parent_context(&self) -> Option<Context> {
                (**self).parent_context()
            }
        }
    )*};
}

pointers!(&T, &mut T, Box<T>, Arc<T>, Rc<T>);

impl<P: ParentContext + ToOwned + ?Sized> ParentContext for Cow<'_, P> {
    fn parent_context(&self) -> Option<Context> {
        (**self).parent_context()
    }
}

impl ParentContext for str {
    fn parent_context(&self) -> Option<Context> {
        w3c::span_of(self)?.parent_context()
    }
}

impl ParentContext for String {
    fn parent_context(&self) -> Option<Context> {
        self.as_str().parent_context()
    }
}

impl<K: AsRef<str>, V: AsRef<str>> ParentContext for [(K, V)] {
    fn parent_context(&self) -> Option<Context> {
        of_texts(self.iter().map(|(name, value)| (name.as_ref(), value.as_ref())))
    }
}

impl<K: AsRef<str>, V: AsRef<str>> ParentContext for Vec<(K, V)> {
    fn parent_context(&self) -> Option<Context> {
        self.as_slice().parent_context()
    }
}

impl<K: AsRef<str>, V: AsRef<str>, const N: usize> ParentContext for [(K, V); N] {
    fn parent_context(&self) -> Option<Context> {
        self.as_slice().parent_context()
    }
}

impl<K: AsRef<str>, V: AsRef<str>, S> ParentContext for HashMap<K, V, S> {
    fn parent_context(&self) -> Option<Context> {
        of_texts(self.iter().map(|(name, value)| (name.as_ref(), value.as_ref())))
    }
}

impl<K: AsRef<str>, V: AsRef<str>> ParentContext for BTreeMap<K, V> {
    fn parent_context(&self) -> Option<Context> {
        of_texts(self.iter().map(|(name, value)| (name.as_ref(), value.as_ref())))
    }
}

impl ParentContext for Headers<'_> {
    fn parent_context(&self) -> Option<Context> {
        headers::extract(self).parent_context()
    }
}

#[cfg(feature = "http")]
impl ParentContext for http::HeaderMap {
    fn parent_context(&self) -> Option<Context> {
        headers::extract(&headers::HeaderCarrier::new(self)).parent_context()
    }
}

fn of_texts<'a>(headers: impl Iterator<Item = (&'a str, &'a str)>) -> Option<Context> {
    Headers::new(headers).parent_context()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn headers_name_a_parent_also_where_nobody_has_set_a_propagator() {
        for headers in [vec![("Traceparent", PARENT), ("x", "y")], vec![("traceparent", PARENT)]] {
            let found = headers.parent_context().expect("it is valid");
            assert_eq!(found.span().span_context().span_id().to_string(), "b7ad6b7169203331");
        }
        assert!([("traceparent", "none")].parent_context().is_none());
    }

    #[test]
    fn hostile_texts_name_no_parent() {
        let long = "0".repeat(100_000);
        let dashes = "-".repeat(100_000);
        for text in [
            "",
            "-",
            "---",
            "00",
            "\0\0",
            "é-é-é-é",
            "0-1-2-3",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-+1",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-011",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319cff-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-zz",
            &long,
            &dashes,
        ] {
            assert!(text.parent_context().is_none(), "{text:.60}");
        }
        for text in
            [PARENT, "  00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\t", &format!("cc{}-more", &PARENT[2..])]
        {
            assert!(text.parent_context().is_some(), "{text}");
        }
    }

    #[test]
    fn what_points_to_a_parent_is_one() {
        let owned = PARENT.to_owned();
        let of =
            |parent: &dyn ParentContext| parent.parent_context().map(|found| found.span().span_context().span_id());
        let expected = of(&owned);
        assert!(expected.is_some());
        for parent in [
            &Some(PARENT) as &dyn ParentContext,
            &Arc::new(owned.clone()),
            &Box::<str>::from(PARENT),
            &Cow::Borrowed(PARENT),
            &PARENT.parent_context(),
            &PARENT.parent_context().map(|found| found.span().span_context().clone()),
        ] {
            assert_eq!(of(parent), expected);
        }
        assert_eq!(of(&None::<Context>), None);
        assert_eq!(of(&Context::new()), None);
        assert_eq!(of(&SpanContext::NONE), None);
    }
}
