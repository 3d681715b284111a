//! Spans by hand that have not started.

use super::{BY_HAND, Span};
use crate::attribute::{AnyAttribute, AttributeSink, KeyedTarget, Slot, SpanAttributes};
use crate::record::{AsyncSpan, Opening, OtelSpan, SharedSpan, Start, carried_to, max_links, owned, owned_by};
use crate::relation::{Links, ParentContext};
use crate::schema::Kind;
use opentelemetry::trace::{Link, SpanContext, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;
use std::time::SystemTime;

/// A span that has not started; made by [`Span::builder`], or from a name.
///
/// Whatever takes an `impl Into<SpanBuilder>` takes a name as well.
///
/// ```
/// use opentelemetry::KeyValue;
/// use otelier::Span;
/// use otelier::schema::Kind;
/// use std::collections::HashMap;
///
/// # let headers = HashMap::<String, String>::new();
/// let span = Span::builder("consume")
///     .kind(Kind::Consumer)
///     .child_of(&headers)
///     .attribute("app.symbols", ["BTCUSDT", "ETHUSDT"])
///     .event("queued", [KeyValue::new("app.position", 3)])
///     .start();
/// span.end();
/// ```
#[must_use = "call `start`"]
#[derive(Clone, Debug)]
pub struct SpanBuilder {
    name: Cow<'static, str>,
    kind: Kind,
    parent: Option<Context>,
    start_time: Option<SystemTime>,
    attributes: Vec<KeyValue>,
    events: Vec<(Cow<'static, str>, Vec<KeyValue>)>,
    links: Vec<Link>,
    dropped_links: u64,
}

impl From<&'static str> for SpanBuilder {
    fn from(name: &'static str) -> Self {
        Self::new(Cow::Borrowed(name))
    }
}

impl From<String> for SpanBuilder {
    fn from(name: String) -> Self {
        Self::new(Cow::Owned(name))
    }
}

impl SpanBuilder {
    pub(super) fn new(name: Cow<'static, str>) -> Self {
        Self {
            name,
            kind: Kind::Internal,
            parent: None,
            start_time: None,
            attributes: Vec::new(),
            events: Vec::new(),
            links: Vec::new(),
            dropped_links: 0,
        }
    }

    /// Gives the span another name.
    pub(crate) fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Cow::Owned(name.into());
        self
    }

    /// Sets the span's kind. Default: internal.
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// Sets the context whose span is the parent. Default: [`current_context`](crate::current_context) where the span
    /// starts.
    pub fn parent(mut self, parent: &Context) -> Self {
        self.parent = Some(parent.clone());
        self
    }

    /// Takes the parent from a value: a context, headers, a `traceparent`; see [`ParentContext`]. Where that names no valid
    /// span, the parent stays what it was.
    ///
    /// ```
    /// use otelier::Span;
    ///
    /// let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    /// Span::builder("handle").child_of(traceparent).start().end();
    /// ```
    pub fn child_of(mut self, parent: &(impl ParentContext + ?Sized)) -> Self {
        if let Some(parent) = parent.parent_context() {
            self.parent = Some(parent);
        }
        self
    }

    /// Begins a trace, whatever span is active.
    pub fn root(self) -> Self {
        self.parent(&Context::new())
    }

    /// Sets when the span started, by the clock of whoever measured it. Default: when [`start`](Self::start) is called.
    pub fn start_time(mut self, time: SystemTime) -> Self {
        self.start_time = Some(time);
        self
    }

    /// Adds an attribute: a text, a number, a boolean, or a list of these. `None` adds nothing.
    pub fn attribute(mut self, key: &'static str, value: impl AnyAttribute) -> Self {
        self.attributes.extend(owned(&value).map(|value| KeyValue::new(key, value)));
        self
    }

    /// Adds the attributes of a struct that derives [`SpanAttributes`](macro@crate::SpanAttributes).
    ///
    /// ```
    /// use otelier::{Span, SpanAttributes};
    ///
    /// #[derive(SpanAttributes)]
    /// #[attributes(prefix = "app.order")]
    /// struct Order {
    ///     id: u64,
    /// }
    ///
    /// Span::builder("check").attributes(&Order { id: 7 }).start().end();
    /// ```
    pub fn attributes(mut self, of: &(impl SpanAttributes + ?Sized)) -> Self {
        self.attributes.extend(collect(|to| of.record_attributes(to)));
        self
    }

    /// Adds an event at the start of the span.
    pub fn event(mut self, name: impl Into<Cow<'static, str>>, attributes: impl IntoIterator<Item = KeyValue>) -> Self {
        self.events.push((name.into(), attributes.into_iter().collect()));
        self
    }

    /// Adds a link to another span.
    pub fn link(mut self, to: &SpanContext, attributes: impl IntoIterator<Item = KeyValue>) -> Self {
        self.add_link(to, || attributes.into_iter().collect());
        self
    }

    /// Adds every link that a value names; see [`Links`]. What is not valid makes no link; what is over the limit is
    /// counted in the span.
    ///
    /// ```
    /// use opentelemetry::trace::SpanContext;
    /// use otelier::Span;
    ///
    /// let causes: Vec<SpanContext> = vec![Span::start("one").span_context(), Span::start("two").span_context()];
    /// Span::builder("join").links(&causes).start().end();
    /// ```
    pub fn links(mut self, to: &(impl Links + ?Sized)) -> Self {
        to.each_link(&mut |to, attributes| {
            if to.is_valid() {
                self.add_link(to, || attributes.to_vec());
            }
        });
        self
    }

    fn add_link(&mut self, to: &SpanContext, attributes: impl FnOnce() -> Vec<KeyValue>) {
        if self.links.len() < max_links() {
            self.links.push(Link::new(to.clone(), attributes(), 0));
        } else {
            self.dropped_links += 1;
        }
    }

    /// Starts the span.
    pub fn start(self) -> Span {
        let carried = |parent: Context| carried_to(&parent, &Context::current()).unwrap_or(parent);
        let parent = self.parent.map_or_else(crate::bridge::current_context, carried);
        let (kind, time, attributes, links) = (self.kind, self.start_time, &self.attributes, &self.links);
        let span = (!parent.is_telemetry_suppressed())
            .then(|| SharedSpan::start(&BY_HAND, &self.name, kind, time, &parent, attributes, links))
            .flatten();
        let Some((span, own)) = span else { return Span { open: None, context: parent } };
        for attribute in &self.attributes {
            span.attribute(attribute.key.as_str(), &attribute.value);
        }
        for (name, attributes) in &self.events {
            span.event(name, self.start_time, attributes);
        }
        for link in &self.links {
            span.link(&link.span_context, &link.attributes);
        }
        span.count_dropped_links(self.dropped_links);
        let context = parent.with_span(OtelSpan::of(Arc::clone(&span), own));
        // SAFETY: the span was just made.
        let open = unsafe { AsyncSpan::new(span, context.clone()) };
        Span { open: Some(open), context }
    }
}

impl Start for SpanBuilder {
    fn start(self) -> Opening {
        Start::start(SpanBuilder::start(self))
    }
}

/// What `record` records.
pub(super) fn collect(record: impl FnOnce(&mut AttributeSink<'_>)) -> Vec<KeyValue> {
    let collected = Collected::default();
    record(&mut AttributeSink::new(&collected));
    collected.0.into_inner()
}

#[derive(Default)]
struct Collected(RefCell<Vec<KeyValue>>);

impl KeyedTarget for Collected {
    fn keyed(&self, key: &str, write: &mut dyn FnMut(Slot<'_>)) {
        if let Some(value) = owned_by(write) {
            self.0.borrow_mut().push(KeyValue::new(key.to_owned(), value));
        }
    }
}
