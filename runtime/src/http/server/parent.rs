//! Whose child the span of a request is.

use crate::correlation::{CorrelationContext, Origin, Settings};
use crate::propagation::{HeaderCarrier, HeaderInjector};
use crate::relation::ParentContext;
use ::http::HeaderMap;
use opentelemetry::{Context, global};

/// The context that a request's span begins in: the current one, with what the process's propagator reads from the headers,
/// and with the correlation context that they name.
pub(in crate::http) fn contexts(headers: &HeaderMap, correlation: Option<&Settings>) -> Context {
    let context = read(headers);
    match correlation {
        Some(settings) => correlated(headers, context, settings),
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

fn read(headers: &HeaderMap) -> Context {
    let current = Context::current();
    let read = global::get_text_map_propagator(|propagator| {
        let mut fields = propagator.fields().peekable();
        if fields.peek().is_none() {
            // Perhaps nobody has set one, which is another thing than that nothing is to be read.
            return headers.contains_key("traceparent").then(|| headers.parent_context()).flatten();
        }
        // Most requests of strangers have none of these headers, and cost no look at each of them.
        let has_any = fields.any(|field| headers.contains_key(field));
        has_any.then(|| propagator.extract_with_context(&current, &HeaderCarrier::new(headers)))
    });
    read.unwrap_or(current)
}
