//! Headers that carry a trace and its baggage from one process to the next: W3C Trace Context and Baggage, Zipkin's B3 and
//! Jaeger's.
//!
//! The pipeline makes [`Telemetry::propagators`](crate::Telemetry::propagators) OpenTelemetry's global propagator, unless
//! [`Hooks`](crate::config::Hooks) say otherwise; then [`Propagators`] makes one for [`hooked`](crate::bridge::hooked).
//!
//! What comes in was written by strangers: headers are read up to a length, and what is not of the format names no parent.
//!
//! | format | read | written |
//! |-|-|-|
//! | W3C Trace Context | every version whose parts are whole | version 00 |
//! | W3C Baggage | 8,192 bytes, 64 entries | as much |
//! | B3, one header or several | either form whichever is configured, one header first; 64-bit trace ids; `d`, `true`, `false`; upper case | 128-bit ids, lower case, `0`, `1` or `d`, no id of the parent |
//! | Jaeger | ids without leading zeros, `%3A` for `:`; baggage up to 8,192 bytes and 64 entries | ids with all digits, 0 for the parent's |
//!
//! A debug flag of B3 or Jaeger means that the trace is sampled, and is written again where the same trace goes on. B3
//! headers without a decision about sampling are read as not sampled, as other implementations of OpenTelemetry do; a `b3`
//! header with nothing but a decision names no parent.

mod b3;
mod ids;
mod jaeger;
#[cfg(test)]
mod tests;

use crate::config::Propagator;
use crate::relation::has_form_of_traceparent;
use ids::{Debug, Remote};
use opentelemetry::Context;
use opentelemetry::baggage::{Baggage, BaggageExt};
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};

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

fn fields_of(propagator: Propagator) -> &'static [&'static str] {
    match propagator {
        Propagator::TraceContext => &["traceparent", "tracestate"],
        Propagator::Baggage => &["baggage"],
        Propagator::B3 => &["b3"],
        Propagator::B3Multi => &b3::FIELDS,
        // The names for baggage depend on what is in it.
        Propagator::Jaeger => &[jaeger::HEADER],
    }
}

/// The span that the headers name in this format.
fn span(propagator: Propagator, headers: &dyn Extractor) -> Option<Remote> {
    match propagator {
        Propagator::TraceContext => {
            // OpenTelemetry's own takes numbers of any length, so that `0-1-2-3` would name a parent.
            headers.get("traceparent").filter(|value| has_form_of_traceparent(value))?;
            let context = TraceContextPropagator::new().extract_with_context(&Context::new(), headers);
            let span = context.span().span_context().clone();
            span.is_valid().then_some(Remote { span, is_debug: false })
        }
        Propagator::Baggage => None,
        Propagator::B3 | Propagator::B3Multi => b3::extract(headers),
        Propagator::Jaeger => jaeger::extract(headers),
    }
}

/// Adds what the headers hold of baggage in this format.
fn add_baggage(propagator: Propagator, headers: &dyn Extractor, to: &mut Option<Baggage>) {
    match propagator {
        Propagator::Baggage => {
            let context = BaggagePropagator::new().extract_with_context(&Context::new(), headers);
            for (key, (value, metadata)) in context.baggage() {
                let baggage = to.get_or_insert_default();
                if baggage.get(key).is_none() {
                    baggage.insert_with_metadata(key.clone(), value.clone(), metadata.clone());
                }
            }
        }
        Propagator::Jaeger => jaeger::add_baggage(headers, to),
        Propagator::TraceContext | Propagator::B3 | Propagator::B3Multi => {}
    }
}

impl TextMapPropagator for Propagators {
    fn inject_context(&self, context: &Context, headers: &mut dyn Injector) {
        let is_debug = Debug::is_in(context);
        for propagator in &self.list {
            match propagator {
                Propagator::TraceContext => TraceContextPropagator::new().inject_context(context, headers),
                Propagator::Baggage => BaggagePropagator::new().inject_context(context, headers),
                Propagator::B3 => b3::inject_one(context.span().span_context(), is_debug, headers),
                Propagator::B3Multi => b3::inject_several(context.span().span_context(), is_debug, headers),
                Propagator::Jaeger => jaeger::inject(context, is_debug, headers),
            }
        }
    }

    fn extract_with_context(&self, context: &Context, headers: &dyn Extractor) -> Context {
        let mut baggage = None;
        self.list.iter().for_each(|propagator| add_baggage(*propagator, headers, &mut baggage));
        let mut found = context.clone();
        if let Some(baggage) = baggage {
            found = found.with_baggage(baggage);
        }
        match self.list.iter().find_map(|propagator| span(*propagator, headers)) {
            Some(remote) => remote.into_context(&found),
            None => found,
        }
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&self.fields)
    }
}
