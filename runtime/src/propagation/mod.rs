//! Headers that carry a trace and its baggage from one process to the next: W3C Trace Context and Baggage, Zipkin's B3 and
//! Jaeger's.
//!
//! The pipeline makes [`Telemetry::propagators`](crate::Telemetry::propagators) OpenTelemetry's global propagator, unless
//! [`Hooks`](crate::config::Hooks) say otherwise; then [`Propagators`] makes one for [`hooked`](crate::bridge::hooked).
//!
//! [`inject`], [`inject_current`], [`extract`] and [`headers`] use that propagator with any carrier: the headers of a request,
//! the metadata of gRPC, a map or a list, a message, an [`Environment`], a command.
//!
//! What comes in was written by strangers: headers are read up to a length, and what is not of the format names no parent.
//!
//! | format | read | written |
//! |-|-|-|
//! | W3C Trace Context, level 2 | to the letter: version 00 of exactly 55 characters in lower case, later versions with more behind a `-`; flags sampled and random; `tracestate` in several headers, 32 members, first of two with one key, dropped whole if one member is broken | version 00 with both flags; `tracestate` as it came, up to 4,096 bytes: then members over 128 characters go first, and the rest from the end |
//! | W3C Baggage | 8,192 bytes, 64 entries, with properties; broken members are left out, values that should have been encoded are understood; of two members with one name the last | as much, in the order of the names; everything encoded that must be, and `+` and `=` |
//! | B3, one header or several | either form whichever is configured, one header first; 64-bit trace ids; `d`, `true`, `false`; upper case | 128-bit ids, lower case, `0`, `1` or `d`, no id of the parent |
//! | Jaeger | ids without leading zeros, `%3A` for `:`; baggage up to 8,192 bytes and 64 entries | ids with all digits, 0 for the parent's |
//!
//! Of several headers that each name one span (`traceparent`, `b3`, `uber-trace-id`) none counts, because nobody knows which is
//! right; a value that is not UTF-8 is one of them. Names of headers have no case.
//!
//! A debug flag of B3 or Jaeger means that the trace is sampled, and is written again where the same trace goes on; Jaeger's
//! counts only together with its flag for sampling, as its format has it.
//!
//! B3 knows two things that OpenTelemetry's contexts do not. Headers with ids and without a decision (deferred) are read as not
//! sampled, as OpenTelemetry for Java does, so that a stranger cannot have recorded what nobody asked for. Headers with a
//! decision and without ids (`b3: 0`, `b3: d`, `X-B3-Sampled` alone) name no parent: the trace begins here, and whether it is
//! recorded is for this process's sampler to say, as in OpenTelemetry for Java and Go. Brave lets the caller decide; who wants
//! a `b3: 0` of a health check honoured has a [rule](crate::config::Sampler) for its path.
//!
//! OpenTelemetry's `TraceState` refuses keys that level 2 allows, with several `@` or more than 13 characters behind one. They
//! go through this process all the same, in the context beside the span; `span_context().trace_state()` and the exported
//! spans are without them, and so is a context that is made anew from a `SpanContext` alone.
//!
//! Specifications: [Trace Context](https://www.w3.org/TR/trace-context-2/), [Baggage](https://www.w3.org/TR/baggage/),
//! [B3](https://github.com/openzipkin/b3-propagation),
//! [Jaeger](https://www.jaegertracing.io/sdk-migration/#propagation-format).

mod b3;
mod baggage;
mod carriers;
#[cfg(any(fuzzing, test))]
mod fuzz;
mod ids;
#[cfg(feature = "tower")]
mod incoming;
mod jaeger;
#[cfg(test)]
mod tests;

#[cfg(feature = "http")]
pub use crate::headers::HeaderCarrier;
pub use crate::headers::Headers;
pub use carriers::*;
#[cfg(fuzzing)]
pub(crate) use fuzz::headers as fuzz;
#[cfg(feature = "tower")]
pub(crate) use incoming::{Incoming, incoming, installed};

use crate::bridge::current_context;
use crate::config::Propagator;
use crate::headers::{self, w3c};
use ids::{Debug, Remote};
use opentelemetry::Context;
use opentelemetry::baggage::{Baggage, BaggageExt};
use opentelemetry::global;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::TraceContextExt;

/// Several formats as one propagator.
///
/// All of them are written. Of the spans that they read, the first in the order of the list counts; what they read of
/// baggage is put together, and of two entries with one name the first counts.
///
/// ```
/// use opentelemetry::propagation::TextMapPropagator;
/// use opentelemetry::trace::TraceContextExt;
/// use otelier::bridge::hooked;
/// use otelier::config::Propagator;
/// use otelier::propagation::Propagators;
/// use std::collections::HashMap;
///
/// let propagators = Propagators::new([Propagator::B3, Propagator::Jaeger]);
/// let header = "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1".to_owned();
/// let context = propagators.extract(&HashMap::from([("b3".to_owned(), header)]));
/// assert_eq!(context.span().span_context().span_id().to_string(), "e457b5a2e4d86bd1");
///
/// let mut headers = HashMap::new();
/// propagators.inject_context(&context, &mut headers);
/// assert_eq!(headers["uber-trace-id"], "80f198ee56343ba864fe8b2a57d3eff7:e457b5a2e4d86bd1:0:1");
///
/// // Where the pipeline does not do it, because of `Hooks::Manual`.
/// opentelemetry::global::set_text_map_propagator(hooked(propagators));
/// ```
#[derive(Debug)]
pub struct Propagators {
    list: Vec<Propagator>,
    fields: Vec<String>,
}

impl Propagators {
    /// These, in this order; one that is named twice counts once.
    pub fn new(propagators: impl IntoIterator<Item = Propagator>) -> Self {
        let mut list = Vec::new();
        let mut fields = Vec::<String>::new();
        for propagator in propagators {
            if !list.contains(&propagator) {
                list.push(propagator);
                fields.extend(fields_of(propagator).iter().map(|field| (*field).to_owned()));
            }
        }
        Self { list, fields }
    }
}

/// Writes the context's span and baggage into a carrier, as the process's propagator does.
///
/// A carrier is anything with [`CarrierMut`]: the headers of a request, a map, a list, a command's environment. What it holds
/// of an earlier trace under the same names is replaced, and what went with it goes, such as the `tracestate` of a
/// `traceparent`.
///
/// Nothing is written if nobody has set a propagator: [`init`](crate::init) does, unless
/// [`Hooks`](crate::config::Hooks) say otherwise.
///
/// Specification: OpenTelemetry's [API for propagators](https://opentelemetry.io/docs/specs/otel/context/api-propagators/).
///
/// ```
/// use otelier::opentelemetry::Context;
/// use std::collections::BTreeMap;
///
/// let mut headers = BTreeMap::<String, String>::new();
/// otelier::propagation::inject(&Context::current(), &mut headers);
/// assert!(headers.is_empty(), "there is no span");
/// ```
pub fn inject<C: CarrierMut + ?Sized>(context: &Context, carrier: &mut C) {
    carrier.write(&mut |headers| {
        global::get_text_map_propagator(|propagator| propagator.inject_context(context, headers));
    });
}

/// Writes the current span and baggage into a carrier, as [`inject`] does. The span is the one that is active now, lazy or
/// not; see [`bridge`](crate::bridge).
///
/// ```
/// use otelier::prelude::*;
///
/// #[trace(kind = producer)]
/// fn send(message: &mut Vec<(String, Vec<u8>)>) {
///     otelier::propagation::inject_current(message);
/// }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let telemetry = otelier::init(Telemetry::default())?;
/// let mut message = Vec::new();
/// send(&mut message);
/// assert_eq!(message[0].0, "traceparent");
/// # telemetry.shutdown()?;
/// # Ok(())
/// # }
/// ```
pub fn inject_current<C: CarrierMut + ?Sized>(carrier: &mut C) {
    inject(&current_context(), carrier);
}

/// A new context with the span and the baggage that a carrier names, as the process's propagator reads them.
///
/// Nothing of the current context is in it. Where nobody has set a propagator, W3C Trace Context is read.
/// `#[trace(parent = ..)]` does the same with every type that is a [`ParentContext`](crate::relation::ParentContext).
///
/// ```
/// use otelier::opentelemetry::trace::TraceContextExt;
/// use std::collections::HashMap;
///
/// let headers = HashMap::from([("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]);
/// let context = otelier::propagation::extract(&headers);
/// assert!(context.span().span_context().is_remote());
/// ```
pub fn extract<C: Carrier + ?Sized>(carrier: &C) -> Context {
    let mut found = Context::new();
    carrier.read(&mut |headers| found = headers::extract(headers));
    found
}

/// All headers of the current span and baggage: for a client, a message or a protocol that nobody has made a carrier for.
///
/// ```
/// for (name, value) in otelier::propagation::headers() {
///     println!("{name}: {value}");
/// }
/// ```
pub fn headers() -> Vec<(String, String)> {
    let mut headers = Vec::new();
    inject_current(&mut headers);
    headers
}

fn fields_of(propagator: Propagator) -> &'static [&'static str] {
    match propagator {
        Propagator::TraceContext => &[w3c::TRACEPARENT, w3c::TRACESTATE],
        Propagator::Baggage => &[baggage::HEADER],
        Propagator::B3 => &["b3"],
        Propagator::B3Multi => &b3::FIELDS,
        // The names for baggage depend on what is in it.
        Propagator::Jaeger => &[jaeger::HEADER],
    }
}

/// The headers of all formats.
fn all_fields() -> impl Iterator<Item = &'static str> {
    Propagator::ALL.into_iter().flat_map(fields_of).copied()
}

/// The span that the headers name in this format.
fn span(propagator: Propagator, headers: &dyn Extractor) -> Option<Remote> {
    match propagator {
        Propagator::TraceContext => w3c::extract(headers).map(Remote::of),
        Propagator::Baggage => None,
        Propagator::B3 | Propagator::B3Multi => b3::extract(headers),
        Propagator::Jaeger => jaeger::extract(headers),
    }
}

/// Adds what the headers hold of baggage in this format.
fn add_baggage(propagator: Propagator, headers: &dyn Extractor, to: &mut Option<Baggage>) {
    match propagator {
        Propagator::Baggage => baggage::add(headers, to),
        Propagator::Jaeger => jaeger::add_baggage(headers, to),
        Propagator::TraceContext | Propagator::B3 | Propagator::B3Multi => {}
    }
}

impl Propagators {
    /// The context with the baggage that the headers hold; `None` if they hold none.
    fn with_baggage(&self, context: &Context, headers: &dyn Extractor) -> Option<Context> {
        let mut baggage = None;
        self.list.iter().for_each(|propagator| add_baggage(*propagator, headers, &mut baggage));
        baggage.map(|baggage| context.with_baggage(baggage))
    }

    /// The span that the headers name.
    fn span(&self, headers: &dyn Extractor) -> Option<Remote> {
        self.list.iter().find_map(|propagator| span(*propagator, headers))
    }
}

impl TextMapPropagator for Propagators {
    fn inject_context(&self, context: &Context, headers: &mut dyn Injector) {
        let is_debug = Debug::is_in(context);
        for propagator in &self.list {
            match propagator {
                Propagator::TraceContext => w3c::inject(context, headers),
                Propagator::Baggage => baggage::inject(context, headers),
                Propagator::B3 => b3::inject_one(context.span().span_context(), is_debug, headers),
                Propagator::B3Multi => b3::inject_several(context.span().span_context(), is_debug, headers),
                Propagator::Jaeger => jaeger::inject(context, is_debug, headers),
            }
        }
    }

    fn extract_with_context(&self, context: &Context, headers: &dyn Extractor) -> Context {
        let found = self.with_baggage(context, headers).unwrap_or_else(|| context.clone());
        match self.span(headers) {
            Some(remote) => remote.into_context(&found),
            None => found,
        }
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&self.fields)
    }
}
