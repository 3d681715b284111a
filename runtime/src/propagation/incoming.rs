//! What the headers of a request say of whose child its span is, with as little memory as can be.
//!
//! A propagator gives a context with the caller's span in it, and that is memory which is thrown away as soon as the request
//! has a span of its own. So our own propagator is asked directly, as long as it is the process's.

use super::ids::Remote;
use super::{Propagators, add_baggage, b3, span};
use crate::config::Propagator;
use crate::headers::{self, HeaderCarrier, w3c};
use ::http::{HeaderMap, HeaderName};
use opentelemetry::baggage::BaggageExt;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanContext, TraceContextExt};
use opentelemetry::{Context, global};
use std::sync::atomic::{AtomicPtr, Ordering::Acquire, Ordering::Release};
use std::sync::{Mutex, PoisonError};

/// What a request's span begins below.
#[derive(Debug)]
pub(crate) struct Incoming {
    /// What is current, with what the headers hold of baggage.
    pub(crate) context: Context,
    /// The span that has sent the request, unless the context has a span.
    pub(crate) sender: Option<SpanContext>,
}

impl Incoming {
    fn of(context: Context) -> Self {
        Self { context, sender: None }
    }

    /// The span of whoever the request's span is the child of; not valid if there is none.
    pub(crate) fn parent<R>(&self, look: impl FnOnce(&SpanContext) -> R) -> R {
        match &self.sender {
            Some(sender) => look(sender),
            None => look(self.context.span().span_context()),
        }
    }
}

/// Propagators that were made the process's, for good: whoever finds the texts of their fields knows whose they are.
#[derive(Debug)]
struct Installed(Propagators);

/// Every list that was installed. A process has one, tests have several.
static KNOWN: Mutex<Vec<&'static Installed>> = Mutex::new(Vec::new());
/// The one that was installed last.
static LAST: AtomicPtr<Installed> = AtomicPtr::new(std::ptr::null_mut());

/// The process's propagator. Nobody else has one of this type.
#[derive(Debug)]
pub(crate) struct Ours(&'static Installed);

/// These as the propagator that the caller makes the process's.
pub(crate) fn installed(list: &[Propagator]) -> Ours {
    let propagators = Propagators::new(list.iter().copied());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let found = known.iter().copied().find(|known| known.0.list == propagators.list);
    let found = found.unwrap_or_else(|| {
        let new: &'static Installed = Box::leak(Box::new(Installed(propagators)));
        known.push(new);
        new
    });
    LAST.store(std::ptr::from_ref(found).cast_mut(), Release);
    Ours(found)
}

impl TextMapPropagator for Ours {
    fn inject_context(&self, context: &Context, headers: &mut dyn Injector) {
        self.0.0.inject_context(context, headers);
    }

    fn extract_with_context(&self, context: &Context, headers: &dyn Extractor) -> Context {
        self.0.0.extract_with_context(context, headers)
    }

    fn fields(&self) -> FieldIter<'_> {
        self.0.0.fields()
    }
}

/// Whom the headers of a request name, as the process's propagator reads them, in the context that is current.
pub(crate) fn incoming(current: Context, headers: &HeaderMap) -> Incoming {
    // SAFETY: what was installed is never freed.
    let last = unsafe { LAST.load(Acquire).as_ref() };
    let ours = last.and_then(|last| last.0.fields.first().map(|field| (last, field.as_ptr())));
    // Only what others do runs under OpenTelemetry's lock.
    let whose = global::get_text_map_propagator(|propagator| {
        let field = propagator.fields().next().map(str::as_ptr);
        match (ours, field) {
            (Some((ours, first)), Some(field)) if first == field => Whose::Ours(ours),
            (_, None) if headers::are_read() => Whose::Nobodys,
            _ => Whose::Others(propagator.extract_with_context(&current, &HeaderCarrier::new(headers))),
        }
    });
    match whose {
        Whose::Ours(ours) => ours.read(current, headers),
        Whose::Nobodys => match w3c::of_map(headers) {
            Some(found) => beside(found, current),
            None => Incoming::of(current),
        },
        Whose::Others(context) => Incoming::of(context),
    }
}

/// Whose the process's propagator is.
enum Whose {
    Ours(&'static Installed),
    /// Nobody has set one.
    Nobodys,
    /// What they have read.
    Others(Context),
}

impl Installed {
    /// Most requests of strangers have none of these headers, so each is looked for before anything is read.
    fn read(&self, current: Context, headers: &HeaderMap) -> Incoming {
        let mut baggage = None;
        for propagator in &self.0.list {
            match propagator {
                Propagator::Baggage if !headers.contains_key(&headers::BAGGAGE) => {}
                Propagator::TraceContext | Propagator::B3 | Propagator::B3Multi => {}
                other => add_baggage(*other, &HeaderCarrier::new(headers), &mut baggage),
            }
        }
        let context = match baggage {
            Some(baggage) => current.with_baggage(baggage),
            None => current,
        };
        for propagator in &self.0.list {
            let found = match propagator {
                Propagator::TraceContext => w3c::of_map(headers).map(Remote::of),
                Propagator::B3 | Propagator::B3Multi if B3.iter().all(|name| !headers.contains_key(name)) => None,
                other => span(*other, &HeaderCarrier::new(headers)),
            };
            match found {
                Some(remote) if remote.is_debug() => return Incoming::of(remote.into_context(&context)),
                Some(remote) => return beside(remote.found, context),
                None => {}
            }
        }
        Incoming::of(context)
    }
}

/// Headers without one of which B3 names no span, whichever form of it is written.
static B3: [HeaderName; 2] = [HeaderName::from_static(b3::NEEDED[0]), HeaderName::from_static(b3::NEEDED[1])];

/// A context that has a span would be taken for the request's parent's, so that one gets the span that was found.
fn beside(found: w3c::Found, context: Context) -> Incoming {
    match found.alone().filter(|_| !context.has_active_span()) {
        Some(span) => Incoming { context, sender: Some(span.clone()) },
        None => Incoming::of(found.into_context(&context)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::http::HeaderValue;

    const TRACEPARENT: (&str, &str) = ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    const B3: [(&str, &str); 3] = [
        ("x-b3-traceid", "80f198ee56343ba864fe8b2a57d3eff7"),
        ("x-b3-spanid", "e457b5a2e4d86bd1"),
        ("x-b3-sampled", "1"),
    ];
    const JAEGER: (&str, &str) = ("uber-trace-id", "80f198ee56343ba864fe8b2a57d3eff7:e457b5a2e4d86bd1:0:3");

    fn map(headers: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        map
    }

    fn read(list: &[Propagator], headers: &[(&'static str, &'static str)]) -> Incoming {
        Installed(Propagators::new(list.iter().copied())).read(Context::new(), &map(headers))
    }

    #[test]
    fn what_is_read_is_what_the_propagator_reads() {
        let broken = ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0");
        let (state, baggage) = (("tracestate", "a=1,b=2"), ("baggage", "user=7"));
        let large = ("tracestate", "a@b@c=1");
        let all: Vec<Vec<(&str, &str)>> = vec![
            vec![],
            vec![TRACEPARENT],
            vec![broken],
            vec![TRACEPARENT, TRACEPARENT],
            vec![TRACEPARENT, state, baggage],
            vec![TRACEPARENT, state, ("tracestate", "c=3")],
            vec![TRACEPARENT, large],
            vec![baggage],
            B3.to_vec(),
            vec![("b3", "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-d")],
            vec![TRACEPARENT, B3[0], B3[1], B3[2]],
            vec![JAEGER, ("uberctx-user", "8"), baggage],
            vec![("uberctx-user", "8")],
        ];
        let lists = [
            vec![],
            vec![Propagator::TraceContext, Propagator::Baggage],
            vec![Propagator::B3],
            vec![Propagator::B3Multi, Propagator::TraceContext],
            vec![Propagator::Jaeger, Propagator::Baggage],
            Propagator::ALL.to_vec(),
        ];
        for (list, headers) in lists.iter().flat_map(|list| all.iter().map(move |headers| (list, headers))) {
            let map = map(headers);
            let propagators = Propagators::new(list.iter().copied());
            let expected = propagators.extract_with_context(&Context::new(), &HeaderCarrier::new(&map));
            let found = read(list, headers);
            found.parent(|parent| assert_eq!(parent, expected.span().span_context(), "{list:?} {headers:?}"));
            let baggage = |context: &Context| context.baggage().to_string();
            assert_eq!(baggage(&found.context), baggage(&expected), "{list:?} {headers:?}");
        }
    }

    #[test]
    fn the_sender_lies_beside_the_context_unless_that_has_a_span() {
        let list = [Propagator::TraceContext];
        let found = read(&list, &[TRACEPARENT]);
        assert!(found.sender.is_some() && !found.context.has_active_span());
        let inside = Context::new().with_remote_span_context(found.sender.unwrap());
        let other = ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-0000000000000007-01");
        let found = Installed(Propagators::new(list)).read(inside, &map(&[other]));
        assert!(found.sender.is_none());
        assert_eq!(found.context.span().span_context().span_id().to_string(), "0000000000000007");
    }

    #[test]
    fn what_a_span_cannot_carry_stays_in_the_context() {
        let found = read(&[Propagator::TraceContext], &[TRACEPARENT, ("tracestate", "a@b@c=1")]);
        assert!(found.sender.is_none() && found.context.has_active_span());
        let found = read(&[Propagator::Jaeger], &[JAEGER]);
        assert!(found.sender.is_none() && found.context.has_active_span());
    }
}
