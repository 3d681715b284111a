//! Whose child the span of a request is.

use crate::correlation::{CorrelationContext, Origin, Settings};
use crate::propagation::{HeaderCarrier, HeaderInjector, Incoming, incoming};
use ::http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;

/// What a request's span begins in: the current context, with what the process's propagator reads from the headers, and with
/// the correlation context that they name.
pub(super) fn contexts(headers: &HeaderMap, correlation: Option<&Settings>) -> Incoming {
    let mut read = incoming(Context::current(), headers);
    if let Some(settings) = correlation {
        read.context = correlated(headers, read.context, settings);
    }
    read
}

/// The same as one context, with the span that has sent the request in it.
pub(in crate::http) fn context(headers: &HeaderMap, correlation: Option<&Settings>) -> Context {
    let Incoming { context, sender } = contexts(headers, correlation);
    match sender {
        Some(sender) => context.with_remote_span_context(sender),
        None => context,
    }
}

/// The context with the correlation context that came in, or a new one. Where one is entered already, a new one is not made.
#[cold]
fn correlated(headers: &HeaderMap, context: Context, settings: &Settings) -> Context {
    let found = CorrelationContext::from_carrier_in(&HeaderCarrier::new(headers), &context, settings);
    match found {
        Some(found) if found.origin() != Origin::Made || CorrelationContext::of_context(&context).is_none() => {
            found.context_with(&context, settings)
        }
        _ => context,
    }
}

/// Tells the client the correlation id of its request.
pub(super) fn tell(context: &Context, settings: &Settings, headers: &mut HeaderMap) {
    if let Some(correlation) = CorrelationContext::of_context(context) {
        correlation.inject(&mut HeaderInjector(headers), settings);
    }
}
