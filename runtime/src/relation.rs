//! What a span can be related to: whose child it is, and what it links to.
//!
//! An annotation takes any value with [`ParentContext`] behind `parent =`, and any value with [`Links`] behind `link =`.
//! Both may be implemented for types of your own, such as the envelope of a message.

use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{Link, SpanContext, TraceContextExt};
use opentelemetry::{Context, KeyValue, global};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// A value that names the parent of a span.
///
/// | type | the parent |
/// |-|-|
/// | [`Context`] | the span in it; what else is in the context, such as baggage, is current during the new span |
/// | [`SpanContext`] | that span |
/// | [`HashMap`], [`BTreeMap`], `[(K, V)]`, `Vec<(K, V)>`, `[(K, V); N]` of texts | what OpenTelemetry's global propagator reads from these headers |
/// | `http::HeaderMap` (feature `http`) | the same |
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
    note = "a parent is a `Context`, a `SpanContext`, headers as a map or a list of pairs of texts, a `traceparent` as text, or an `Option` of one of these",
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
        TraceContextPropagator::new()
            .extract_with_context(&Context::new(), &Headers::new([("traceparent", self)].into_iter()))
            .parent_context()
    }
}

impl ParentContext for String {
    fn parent_context(&self) -> Option<Context> {
        self.as_str().parent_context()
    }
}

impl<K: AsRef<str>, V: AsRef<str>> ParentContext for [(K, V)] {
    fn parent_context(&self) -> Option<Context> {
        extract(self.iter().map(|(name, value)| (name.as_ref(), value.as_ref())))
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
        extract(self.iter().map(|(name, value)| (name.as_ref(), value.as_ref())))
    }
}

impl<K: AsRef<str>, V: AsRef<str>> ParentContext for BTreeMap<K, V> {
    fn parent_context(&self) -> Option<Context> {
        extract(self.iter().map(|(name, value)| (name.as_ref(), value.as_ref())))
    }
}

#[cfg(feature = "http")]
impl ParentContext for http::HeaderMap {
    fn parent_context(&self) -> Option<Context> {
        // What is not text cannot be what a propagator wrote.
        extract(self.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))))
    }
}

/// What the global propagator reads from headers. The current context is left out, or its span would be found where the
/// headers name none.
fn extract<'a>(headers: impl Iterator<Item = (&'a str, &'a str)>) -> Option<Context> {
    let headers = Headers::new(headers);
    let read = |propagator: &dyn TextMapPropagator| propagator.extract_with_context(&Context::new(), &headers);
    global::get_text_map_propagator(|propagator| match propagator.fields().next() {
        // Nobody has set one.
        None if HEADERS_ARE_READ.load(Relaxed) => read(&TraceContextPropagator::new()),
        _ => read(propagator),
    })
    .parent_context()
}

/// Cleared while the process's propagator is one of ours that reads nothing, which looks as if nobody had set one.
static HEADERS_ARE_READ: AtomicBool = AtomicBool::new(true);

/// Says whether headers name parents where the global propagator has no fields.
pub(crate) fn set_headers_are_read(are_read: bool) {
    HEADERS_ARE_READ.store(are_read, Relaxed);
}

/// Headers of which a message has one: each names a span, or a part of its name.
const ONLY_ONE: [&str; 5] = ["traceparent", "b3", "x-b3-traceid", "x-b3-spanid", "uber-trace-id"];

/// Headers whose names have no case.
struct Headers<'a> {
    all: Vec<(&'a str, Cow<'a, str>)>,
}

impl<'a> Headers<'a> {
    fn new(headers: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut all = Vec::<(&str, Cow<'_, str>)>::new();
        for (name, value) in headers {
            // A list may come in parts.
            let is_list = ["tracestate", "baggage"].iter().any(|list| name.eq_ignore_ascii_case(list));
            let before = all.iter_mut().find(|(known, _)| is_list && known.eq_ignore_ascii_case(name));
            match before {
                Some((_, list)) => {
                    let list = list.to_mut();
                    list.push(',');
                    list.push_str(value);
                }
                None => all.push((name, Cow::Borrowed(value))),
            }
        }
        Self { all }
    }

    fn named(&self, name: &str) -> impl Iterator<Item = &str> {
        self.all.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }
}

impl Extractor for Headers<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.named(name);
        let first = values.next();
        if !ONLY_ONE.iter().any(|known| name.eq_ignore_ascii_case(known)) {
            return first;
        }
        // Of several parents nobody knows which one counts.
        let only = first.filter(|_| values.next().is_none());
        only.filter(|value| !name.eq_ignore_ascii_case("traceparent") || has_form_of_traceparent(value))
    }

    fn keys(&self) -> Vec<&str> {
        self.all.iter().map(|(name, _)| *name).collect()
    }

    fn get_all(&self, name: &str) -> Option<Vec<&str>> {
        let values: Vec<_> = self.named(name).collect();
        (!values.is_empty()).then_some(values)
    }
}

/// Whether every part of a `traceparent` is there, and as long as it must be. OpenTelemetry's propagator takes numbers of
/// any length, so that it would make a parent of `0-1-2-3`.
pub(crate) fn has_form_of_traceparent(value: &str) -> bool {
    let value = value.trim().as_bytes();
    let Some((known, rest)) = value.split_first_chunk::<55>() else { return false };
    let is_in_place = |(at, byte): (usize, &u8)| match at {
        2 | 35 | 52 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    // A later version may say more.
    known.iter().enumerate().all(is_in_place) && (rest.is_empty() || rest[0] == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn get<'a>(headers: &[(&'a str, &'a str)], name: &str) -> Option<String> {
        Headers::new(headers.iter().copied()).get(name).map(str::to_owned)
    }

    #[test]
    fn names_have_no_case() {
        assert_eq!(get(&[("TraceParent", PARENT)], "traceparent").as_deref(), Some(PARENT));
        assert_eq!(get(&[("b3", "1")], "B3").as_deref(), Some("1"));
        assert_eq!(get(&[], "traceparent"), None);
    }

    #[test]
    fn lists_are_put_together_and_two_parents_are_none() {
        let headers = [("tracestate", "a=1"), ("x", "y"), ("Tracestate", "b=2"), ("traceparent", PARENT)];
        assert_eq!(get(&headers, "tracestate").as_deref(), Some("a=1,b=2"));
        assert_eq!(get(&headers, "traceparent").as_deref(), Some(PARENT));
        assert_eq!(get(&[("traceparent", PARENT), ("TRACEPARENT", PARENT)], "traceparent"), None);
    }

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
