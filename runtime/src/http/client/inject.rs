//! The headers of a context in a request.

use ::http::header::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::global;
use opentelemetry::propagation::Injector;
use opentelemetry::trace::TraceContextExt;

struct Headers<'a>(&'a mut HeaderMap);

impl Injector for Headers<'_> {
    fn set(&mut self, key: &str, value: String) {
        let name = match key {
            "traceparent" => HeaderName::from_static("traceparent"),
            "tracestate" => HeaderName::from_static("tracestate"),
            "baggage" => HeaderName::from_static("baggage"),
            _ => match HeaderName::from_bytes(key.as_bytes()) {
                Ok(name) => name,
                Err(_) => return,
            },
        };
        if let Ok(value) = HeaderValue::try_from(value) {
            self.0.insert(name, value);
        }
    }
}

/// Writes the context into the headers. What names another span there is taken out, so that nobody finds two.
pub(in crate::http) fn inject(context: &Context, headers: &mut HeaderMap) {
    global::get_text_map_propagator(|propagator| {
        if context.span().span_context().is_valid() {
            for field in propagator.fields().filter(|field| *field != "baggage") {
                headers.remove(field);
            }
        }
        propagator.inject_context(context, &mut Headers(headers));
    });
}
