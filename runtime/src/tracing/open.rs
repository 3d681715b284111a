//! A span of `tracing` as a span of ours.
//!
//! What it is made of is kept when `tracing` makes it, and so is its parent. It begins when it is used for the first time:
//! entered, recorded on from outside, asked for its ids, or closed. Until then it can be given another parent, which is how
//! a server says that its request came from another process. (It is not begun at once because a span that has begun is
//! counted, sampled and perhaps known to others, and cannot change its trace.)

use super::SetParentError;
use super::values::{Exception, Fields};
use crate::attribute::Slot;
use crate::clock;
use crate::record::{Callsite, Exact, OtelSpan, SharedSpan, asks_attributes, forks};
use crate::wire::status;
use opentelemetry::trace::{Link, SpanContext, TraceContextExt};
use opentelemetry::{Context, KeyValue, Value};
use otelier_spec::Kind;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// What a span that has not begun keeps of links and of attributes from outside; with more it begins.
const MOST_KEPT: usize = 128;

/// What the registry keeps with a span.
pub(super) struct LibrarySpan {
    /// The layer that made it: another one leaves it alone.
    pub(super) layer: u64,
    forks: u64,
    callsite: &'static Callsite,
    name: &'static str,
    errors_are_status: bool,
    pending: Mutex<Option<Pending>>,
    begun: OnceLock<Begun>,
    times: Option<Mutex<Times>>,
}

/// A span that has not begun.
struct Pending {
    parent: Context,
    made: u64,
    fields: Fields,
    more: Vec<KeyValue>,
    links: Vec<Link>,
}

/// A span that has begun, or what stands for one that is not recorded.
pub(super) struct Begun {
    pub(super) span: Option<Arc<SharedSpan>>,
    /// With the span in it.
    pub(super) context: Context,
}

/// How long a span was entered, and how long it was not.
struct Times {
    entered: usize,
    since: Instant,
    busy: Duration,
    idle: Duration,
}

/// How a span is made.
pub(super) struct Making {
    pub(super) layer: u64,
    pub(super) callsite: &'static Callsite,
    pub(super) name: &'static str,
    pub(super) errors_are_status: bool,
    pub(super) times: bool,
}

impl fmt::Debug for LibrarySpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LibrarySpan").field("name", &self.name).finish_non_exhaustive()
    }
}

impl LibrarySpan {
    fn of(making: Making, pending: Option<Pending>, begun: OnceLock<Begun>) -> Self {
        let Making { layer, callsite, name, errors_are_status, times } = making;
        let none = Duration::ZERO;
        let times = times.then(|| Mutex::new(Times { entered: 0, since: Instant::now(), busy: none, idle: none }));
        Self { layer, forks: forks(), callsite, name, errors_are_status, pending: Mutex::new(pending), begun, times }
    }

    /// A span below the one in `parent`.
    pub(super) fn below(parent: Context, making: Making, fields: Fields, more: Vec<KeyValue>) -> Self {
        let pending = Pending { parent, made: clock::now(), fields, more, links: Vec::new() };
        Self::of(making, Some(pending), OnceLock::new())
    }

    /// A span below one that is not recorded, and so is not recorded either.
    pub(super) fn unrecorded(parent: Context, making: Making) -> Self {
        Self::of(making, None, OnceLock::from(Begun { span: None, context: parent }))
    }

    fn pending(&self) -> MutexGuard<'_, Option<Pending>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The span, which begins now if it has not begun; `None` in the child of a fork, where it is a copy.
    pub(super) fn begun(&self) -> Option<&Begun> {
        if self.forks != forks() {
            return None;
        }
        if let Some(begun) = self.begun.get() {
            return Some(begun);
        }
        let mut pending = self.pending();
        let used = pending.take().map(|pending| {
            let (begun, parent) = self.begin(pending);
            // Nobody else sets it: only one call takes what is pending.
            let _ = self.begun.set(begun);
            parent
        });
        drop(pending);
        // What lies in a context may run code of the program when it is dropped.
        drop(used);
        self.begun.get()
    }

    fn begin(&self, pending: Pending) -> (Begun, Context) {
        let Pending { parent, made, fields, more, links } = pending;
        let Fields { said, values, errors } = fields;
        let kind = said.kind.as_deref().and_then(kind_of).unwrap_or(Kind::Internal);
        let name = said.name.as_deref().unwrap_or(self.name);
        let above = parent.span().span_context().clone();
        // Only where a trace begins, or comes from elsewhere, is a sampler asked, and few look at attributes.
        let known: Vec<_> = if !asks_attributes() || above.is_valid() && !above.is_remote() {
            Vec::new()
        } else {
            values
                .iter()
                .map(|(_, key, value)| KeyValue::new(*key, value.clone()))
                .chain(more.iter().cloned())
                .collect()
        };
        // The parent is the one that was kept, also if a lazy span is active below it now.
        let exact = Exact::enter();
        let started = SharedSpan::start_since(self.callsite, name, kind, made, &parent, &known, &links);
        drop(exact);
        let Some((span, own)) = started else {
            return (Begun { span: None, context: parent }, Context::new());
        };
        if !span.is_open() {
            let context = parent.with_remote_span_context(own);
            return (Begun { span: None, context }, parent);
        }
        self.record_on(&span, values);
        more.iter().for_each(|attribute| span.attribute(attribute.key.as_str(), &attribute.value));
        links.iter().for_each(|link| span.link(&link.span_context, &link.attributes));
        self.told(&span, errors, said.status.as_deref(), said.description.as_deref());
        let context = parent.with_span(OtelSpan::of(Arc::clone(&span), own));
        (Begun { span: Some(span), context }, parent)
    }

    fn record_on(&self, span: &SharedSpan, values: Vec<(u16, &'static str, Value)>) {
        use crate::attribute::AnyAttribute;
        for (index, key, value) in values {
            if self.callsite.key(index) == Some(key) {
                value.record(Slot::new(span, index));
            } else {
                span.attribute(key, &value);
            }
        }
    }

    /// Errors and the status, which come in fields.
    fn told(&self, span: &SharedSpan, errors: Vec<Exception>, code: Option<&str>, description: Option<&str>) {
        for error in errors {
            let message = self.errors_are_status.then(|| error.message.clone());
            span.event("exception", None, &error.attributes().collect::<Vec<_>>());
            message.into_iter().for_each(|message| span.status(status::ERROR, &message));
        }
        match code {
            Some(code) if code.eq_ignore_ascii_case("ok") => span.status(status::OK, ""),
            Some(code) if code.eq_ignore_ascii_case("error") => span.status(status::ERROR, description.unwrap_or("")),
            // A description alone says that something went wrong: no other status has one.
            None => description.into_iter().for_each(|description| span.status(status::ERROR, description)),
            Some(_) => {}
        }
    }

    /// Takes fields that were recorded after the span was made.
    pub(super) fn record(&self, fields: Fields) {
        if self.forks != forks() {
            return;
        }
        if let Some(pending) = &mut *self.pending() {
            return pending.fields.update(fields);
        }
        if let Some(span) = self.begun.get().and_then(|begun| begun.span.as_ref()).filter(|span| span.is_open()) {
            let Fields { said, values, errors } = fields;
            said.name.into_iter().for_each(|name| span.rename(&name));
            self.record_on(span, values);
            self.told(span, errors, said.status.as_deref(), said.description.as_deref());
        }
    }

    /// Records an attribute that is no field.
    pub(super) fn attribute(&self, key: &str, value: Value) {
        if self.forks == forks()
            && let Some(pending) = &mut *self.pending()
            && pending.more.len() < MOST_KEPT
        {
            pending.more.retain(|known| known.key.as_str() != key);
            return pending.more.push(KeyValue::new(key.to_owned(), value));
        }
        if let Some(span) = self.begun().and_then(|begun| begun.span.as_ref()) {
            span.attribute(key, &value);
        }
    }

    /// Links to another span.
    pub(super) fn link(&self, to: &SpanContext, attributes: Vec<KeyValue>) {
        if self.forks == forks()
            && let Some(pending) = &mut *self.pending()
            && pending.links.len() < MOST_KEPT
        {
            return pending.links.push(Link::new(to.clone(), attributes, 0));
        }
        if let Some(span) = self.begun().and_then(|begun| begun.span.as_ref()) {
            span.link(to, &attributes);
        }
    }

    /// Gives the span another parent, if it has not begun.
    pub(super) fn set_parent(&self, parent: Context) -> Result<(), SetParentError> {
        if self.forks != forks() {
            return Err(SetParentError::NotRecorded);
        }
        let mut pending = self.pending();
        match &mut *pending {
            Some(kept) => {
                let before = std::mem::replace(&mut kept.parent, parent);
                drop(pending);
                drop(before);
                Ok(())
            }
            None if self.begun.get().is_some_and(|begun| begun.span.is_some()) => Err(SetParentError::Begun),
            None => Err(SetParentError::NotRecorded),
        }
    }

    fn times(&self) -> Option<MutexGuard<'_, Times>> {
        self.times.as_ref().map(|times| times.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The span is entered, perhaps once more.
    pub(super) fn entered(&self) {
        if let Some(mut times) = self.times() {
            times.turn();
            times.entered += 1;
        }
    }

    /// The span is exited, perhaps not for the last time.
    pub(super) fn exited(&self) {
        if let Some(mut times) = self.times() {
            times.turn();
            times.entered = times.entered.saturating_sub(1);
        }
    }

    /// Says that a panic came through an entry of the span.
    pub(super) fn panicked(&self) {
        if self.forks == forks()
            && let Some(span) = self.begun.get().and_then(|begun| begun.span.as_ref())
        {
            span.panicked();
        }
    }

    /// Ends the span.
    pub(super) fn close(&self) {
        let Some(span) = self.begun().and_then(|begun| begun.span.as_ref()) else { return };
        if let Some(mut times) = self.times() {
            times.turn();
            span.attribute("busy_ns", &times.busy.as_nanos());
            span.attribute("idle_ns", &times.idle.as_nanos());
        }
        span.end(None);
    }
}

impl Times {
    fn turn(&mut self) {
        let now = Instant::now();
        let passed = now - std::mem::replace(&mut self.since, now);
        *(if self.entered > 0 { &mut self.busy } else { &mut self.idle }) += passed;
    }
}

fn kind_of(text: &str) -> Option<Kind> {
    let kinds = [
        ("internal", Kind::Internal),
        ("server", Kind::Server),
        ("client", Kind::Client),
        ("producer", Kind::Producer),
        ("consumer", Kind::Consumer),
    ];
    kinds.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, kind)| kind)
}
