//! The headers of a context in a request.

use crate::correlation::{CorrelationContext, Settings};
use crate::propagation::{self, HeaderInjector};
use ::http::header::HeaderMap;
use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Context, global};

/// Writes the context into the headers, and the correlation id that is in it. What names another span there is taken out, so
/// that nobody finds two.
pub(in crate::http) fn inject(context: &Context, headers: &mut HeaderMap) {
    if context.span().span_context().is_valid() {
        global::get_text_map_propagator(|propagator| {
            for field in propagator.fields().filter(|field| *field != "baggage") {
                headers.remove(field);
            }
        });
    }
    propagation::inject(context, headers);
    if let Some(correlation) = CorrelationContext::of_context(context) {
        correlation.inject(&mut HeaderInjector(headers), Settings::of_process());
    }
}
