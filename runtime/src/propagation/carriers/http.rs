//! Headers of HTTP messages.

use super::{Carrier, CarrierMut, stale};
use crate::headers::HeaderCarrier;
use ::http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector};

use crate::relation::ParentContext;

/// The headers of an HTTP message as what propagators write into.
///
/// A header that is there is replaced, and what went with it goes, such as the `tracestate` of a `traceparent` that came in
/// and is passed on by a proxy. What cannot be a header is left out.
///
/// [`inject`](crate::propagation::inject) takes a `HeaderMap` as it is; this is for propagators that are asked directly.
///
/// ```
/// use otelier::opentelemetry::propagation::Injector;
/// use otelier::propagation::HeaderInjector;
///
/// let mut headers = http::HeaderMap::new();
/// HeaderInjector(&mut headers).set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into());
/// assert!(headers.contains_key("traceparent"));
/// ```
#[derive(Debug)]
pub struct HeaderInjector<'a>(
    /// Where the headers go.
    pub &'a mut HeaderMap,
);

impl Injector for HeaderInjector<'_> {
    fn set(&mut self, name: &str, value: String) {
        let Ok(header) = HeaderName::from_bytes(name.as_bytes()) else { return };
        let Ok(value) = HeaderValue::try_from(value) else { return };
        // The map panics beyond 32,768 headers, and ours are not worth that.
        if self.0.try_insert(header, value).is_ok() {
            for name in stale(name) {
                self.0.remove(*name);
            }
        }
    }
}

impl Carrier for HeaderMap {
    fn read(&self, f: &mut dyn FnMut(&dyn Extractor)) {
        f(&HeaderCarrier::new(self));
    }
}

impl Carrier for HeaderCarrier<'_> {
    fn read(&self, f: &mut dyn FnMut(&dyn Extractor)) {
        f(self);
    }
}

impl ParentContext for HeaderCarrier<'_> {
    fn parent_context(&self) -> Option<Context> {
        crate::headers::extract(self).parent_context()
    }
}

impl CarrierMut for HeaderMap {
    fn write(&mut self, f: &mut dyn FnMut(&mut dyn Injector)) {
        f(&mut HeaderInjector(self));
    }
}

impl CarrierMut for HeaderInjector<'_> {
    fn write(&mut self, f: &mut dyn FnMut(&mut dyn Injector)) {
        f(self);
    }
}
