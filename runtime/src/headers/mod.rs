//! Headers of a message, read with tolerance: below everything that names a parent or carries baggage.
//!
//! All carriers end in [`one`]: names have no case, lists that came in parts are put together, and of what names one span
//! there must be one.

pub(crate) mod w3c;

use opentelemetry::propagation::Extractor;
use opentelemetry::{Context, global};
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Headers of which a message has one: each names a span, or a part of its name.
const ONLY_ONE: [&str; 5] = ["traceparent", "b3", "x-b3-traceid", "x-b3-spanid", "uber-trace-id"];

/// What stands for a value that is not UTF-8. No format allows it, so it makes the header invalid instead of invisible.
pub(crate) const UNREADABLE: &str = "\u{fffd}";

/// The name that carriers of ours answer to, so that who reads them knows that `get` has looked at every value.
const LOOKED_AT: &str = "\0otelier";

/// The longest list that is put together from parts. Nothing that is propagated is as long.
const LONGEST_LIST: usize = 32 * 1024;

/// Lists that came in several headers, put together when somebody asks.
#[derive(Default)]
pub(crate) struct Joined {
    tracestate: OnceLock<String>,
    baggage: OnceLock<String>,
}

impl Joined {
    fn named(&self, name: &str) -> Option<&OnceLock<String>> {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if is("tracestate") { Some(&self.tracestate) } else { is("baggage").then_some(&self.baggage) }
    }
}

/// What a message says under a name, of all `values` that it has there.
pub(crate) fn one<'a>(name: &str, mut values: impl Iterator<Item = &'a str>, joined: &'a Joined) -> Option<&'a str> {
    let Some(first) = values.next() else { return (name == LOOKED_AT).then_some("") };
    let Some(second) = values.next() else { return Some(first) };
    if ONLY_ONE.iter().any(|known| name.eq_ignore_ascii_case(known)) {
        // Of several parents nobody knows which one counts.
        return None;
    }
    let Some(list) = joined.named(name) else { return Some(first) };
    Some(list.get_or_init(|| {
        let mut list = first.to_owned();
        for value in [second].into_iter().chain(values) {
            if list.len() + value.len() >= LONGEST_LIST {
                // A list without its end would pass for the whole.
                list.push(',');
                list.push_str(UNREADABLE);
                break;
            }
            list.push(',');
            list.push_str(value);
        }
        list
    }))
}

/// Whether `get` of these headers has seen that there is one value only.
fn are_looked_at(headers: &dyn Extractor) -> bool {
    headers.get(LOOKED_AT).is_some()
}

/// The one value under a name, also of carriers that know nothing of tolerance.
pub(crate) fn only<'a>(headers: &'a dyn Extractor, name: &str) -> Option<&'a str> {
    let value = headers.get(name)?;
    if !are_looked_at(headers) && headers.get_all(name).is_some_and(|all| all.len() > 1) {
        return None;
    }
    Some(value)
}

/// Headers as a list of names and values; names have no case, and may come several times.
///
/// For whatever holds texts: maps, lists, the properties of a message. [`extract`](crate::propagation::extract) takes it, and
/// so does `#[trace(parent = ..)]`.
///
/// ```
/// use otelier::propagation::{Headers, extract};
/// use otelier::opentelemetry::trace::TraceContextExt;
///
/// let message = [("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), ("x", "y")];
/// let context = extract(&Headers::new(message));
/// assert_eq!(context.span().span_context().span_id().to_string(), "b7ad6b7169203331");
/// ```
#[derive(Default)]
pub struct Headers<'a> {
    all: Vec<(&'a str, &'a str)>,
    joined: Joined,
}

impl<'a> Headers<'a> {
    /// These headers, in this order.
    pub fn new(headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self { all: headers.into_iter().collect(), joined: Joined::default() }
    }

    /// Headers whose values are bytes, as those of Kafka, AMQP, NATS and SQS are.
    ///
    /// A value that is not UTF-8 counts as there, and as broken: it names no parent, and hides no second one.
    ///
    /// ```
    /// use otelier::propagation::Headers;
    /// use otelier::relation::ParentContext;
    ///
    /// let sent: Vec<(String, Vec<u8>)> = vec![
    ///     ("traceparent".into(), b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_vec()),
    ///     ("picture".into(), vec![0xff, 0xd8]),
    /// ];
    /// let headers = Headers::of_bytes(sent.iter().map(|(name, value)| (name.as_str(), value.as_slice())));
    /// assert!(headers.parent_context().is_some());
    /// ```
    pub fn of_bytes(headers: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        Self::new(headers.into_iter().map(|(name, value)| (name, text(value))))
    }

    fn named(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.all.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }
}

/// Names only: values may be secrets.
impl fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all.iter().map(|(name, _)| name)).finish()
    }
}

impl Extractor for Headers<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        one(name, self.named(name), &self.joined)
    }

    fn keys(&self) -> Vec<&str> {
        self.all.iter().map(|(name, _)| *name).collect()
    }

    fn get_all(&self, name: &str) -> Option<Vec<&str>> {
        let values: Vec<_> = self.named(name).collect();
        (!values.is_empty()).then_some(values)
    }
}

/// The bytes as text, or what makes every format invalid.
pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or(UNREADABLE)
}

/// What the global propagator reads from headers. The current context is left out, or its span would be found where the
/// headers name none.
pub(crate) fn extract(headers: &dyn Extractor) -> Context {
    global::get_text_map_propagator(|propagator| match propagator.fields().next() {
        // Nobody has set one.
        None if HEADERS_ARE_READ.load(Relaxed) => match w3c::extract(headers) {
            Some(found) => found.into_context(&Context::new()),
            None => Context::new(),
        },
        _ => propagator.extract_with_context(&Context::new(), headers),
    })
}

/// Cleared while the process's propagator is one of ours that reads nothing, which looks as if nobody had set one.
static HEADERS_ARE_READ: AtomicBool = AtomicBool::new(true);

/// Whether headers name parents where the global propagator has no fields.
#[cfg(feature = "tower")]
pub(crate) fn are_read() -> bool {
    HEADERS_ARE_READ.load(Relaxed)
}

/// Says whether headers name parents where the global propagator has no fields.
pub(crate) fn set_are_read(are_read: bool) {
    HEADERS_ARE_READ.store(are_read, Relaxed);
}

/// The headers of an HTTP message as what propagators read.
///
/// Every value is seen, also one that is no text: of two `traceparent` headers none counts, and a `tracestate` with bytes in
/// it is no `tracestate`. Nothing is copied unless a list came in several headers.
///
/// [`extract`](crate::propagation::extract) takes a `HeaderMap` as it is; this is for propagators that are asked directly.
///
/// ```
/// use otelier::opentelemetry::propagation::Extractor;
/// use otelier::propagation::HeaderCarrier;
///
/// let mut headers = http::HeaderMap::new();
/// headers.append("tracestate", http::HeaderValue::from_static("a=1"));
/// headers.append("tracestate", http::HeaderValue::from_static("b=2"));
/// assert_eq!(HeaderCarrier::new(&headers).get("tracestate"), Some("a=1,b=2"));
/// ```
#[cfg(feature = "http")]
pub struct HeaderCarrier<'a> {
    map: &'a http::HeaderMap,
    joined: Joined,
}

#[cfg(feature = "http")]
pub(crate) static TRACEPARENT: http::HeaderName = http::HeaderName::from_static(w3c::TRACEPARENT);
#[cfg(feature = "http")]
pub(crate) static TRACESTATE: http::HeaderName = http::HeaderName::from_static(w3c::TRACESTATE);
#[cfg(feature = "http")]
pub(crate) static BAGGAGE: http::HeaderName = http::HeaderName::from_static("baggage");

#[cfg(feature = "http")]
impl<'a> HeaderCarrier<'a> {
    /// Reads these headers.
    pub fn new(headers: &'a http::HeaderMap) -> Self {
        Self { map: headers, joined: Joined::default() }
    }

    fn named(&self, name: &str) -> impl Iterator<Item = &'a str> {
        // A name that is no constant is checked, copied and hashed byte by byte.
        let values = match name {
            w3c::TRACEPARENT => self.map.get_all(&TRACEPARENT),
            w3c::TRACESTATE => self.map.get_all(&TRACESTATE),
            "baggage" => self.map.get_all(&BAGGAGE),
            _ => self.map.get_all(name),
        };
        values.into_iter().map(|value| text(value.as_bytes()))
    }
}

/// Names only: values may be secrets.
#[cfg(feature = "http")]
impl fmt::Debug for HeaderCarrier<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.map.keys()).finish()
    }
}

#[cfg(feature = "http")]
impl Extractor for HeaderCarrier<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        one(name, self.named(name), &self.joined)
    }

    fn keys(&self) -> Vec<&str> {
        self.map.keys().map(http::HeaderName::as_str).collect()
    }

    fn get_all(&self, name: &str) -> Option<Vec<&str>> {
        let values: Vec<_> = self.named(name).collect();
        (!values.is_empty()).then_some(values)
    }
}

#[cfg(test)]
mod tests;
