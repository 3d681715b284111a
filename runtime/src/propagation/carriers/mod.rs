//! What can hold headers: maps, lists, HTTP messages, metadata of gRPC, environments.

mod environment;
#[cfg(feature = "http")]
mod http;
#[cfg(test)]
mod tests;
mod texts;
#[cfg(feature = "tonic")]
mod tonic;

pub use environment::{Environment, EnvironmentInjector};
#[cfg(feature = "http")]
pub use http::HeaderInjector;
pub use texts::{ValueBytes, ValueFromText};
#[cfg(feature = "tonic")]
pub use tonic::{MetadataCarrier, MetadataInjector};

use crate::headers::Headers;
use opentelemetry::propagation::{Extractor, Injector};

/// Something with headers in it, to read from; see [`extract`](super::extract).
///
/// Implemented for maps and lists of texts, lists of texts and bytes, [`Headers`], `http::HeaderMap` and `HeaderCarrier`
/// (feature `http`), tonic's `MetadataMap` (feature `tonic`), [`Environment`], and `dyn Extractor`, which is what
/// OpenTelemetry has for others' carriers.
///
/// # Implementing it
///
/// Call the function once, with [`Headers`] of what is there. It may come from strangers, so nothing may panic.
///
/// ```
/// use otelier::opentelemetry::propagation::Extractor;
/// use otelier::propagation::{Carrier, Headers};
///
/// struct Message { properties: Vec<(String, String)> }
///
/// impl Carrier for Message {
///     fn read(&self, f: &mut dyn FnMut(&dyn Extractor)) {
///         f(&Headers::new(self.properties.iter().map(|(name, value)| (name.as_str(), value.as_str()))));
///     }
/// }
/// # let message = Message { properties: vec![] };
/// let context = otelier::propagation::extract(&message);
/// ```
#[diagnostic::on_unimplemented(
    message = "no headers can be read from `{Self}`",
    note = "headers are read from maps and lists of texts, `Headers`, `Environment`, and with features `http::HeaderMap` and tonic's `MetadataMap`",
    note = "implement `otelier::propagation::Carrier` for a type of your own, or pass `&value as &dyn Extractor`"
)]
pub trait Carrier {
    /// Calls `f` once with the headers.
    fn read(&self, f: &mut dyn FnMut(&dyn Extractor));
}

/// Something that headers can be written into; see [`inject`](super::inject).
///
/// Implemented for `HashMap<String, String>`, `BTreeMap<String, String>`, `Vec` of pairs of a name and a text or bytes,
/// `http::HeaderMap` and `HeaderInjector` (feature `http`), tonic's `MetadataMap` (feature `tonic`),
/// [`Command`](std::process::Command), [`EnvironmentInjector`], and `dyn Injector`, which is what OpenTelemetry has for
/// others' carriers.
///
/// # Implementing it
///
/// Call the function once, with something that takes names and values. Names are lower case; what is there under the same
/// name should be replaced.
///
/// ```
/// use otelier::opentelemetry::propagation::Injector;
/// use otelier::propagation::CarrierMut;
///
/// struct Message { properties: Vec<(String, String)> }
///
/// impl CarrierMut for Message {
///     fn write(&mut self, f: &mut dyn FnMut(&mut dyn Injector)) {
///         self.properties.write(f);
///     }
/// }
/// # let mut message = Message { properties: vec![] };
/// otelier::propagation::inject_current(&mut message);
/// ```
#[diagnostic::on_unimplemented(
    message = "no headers can be written into `{Self}`",
    note = "headers are written into maps and lists with `String` as names, `std::process::Command`, and with features `http::HeaderMap` and tonic's `MetadataMap`",
    note = "implement `otelier::propagation::CarrierMut` for a type of your own, or pass `&mut value as &mut dyn Injector`"
)]
pub trait CarrierMut {
    /// Calls `f` once with what takes headers.
    fn write(&mut self, f: &mut dyn FnMut(&mut dyn Injector));
}

impl<'a> Carrier for dyn Extractor + 'a {
    fn read(&self, f: &mut dyn FnMut(&dyn Extractor)) {
        /// A reference to the one is a reference to the other only if its size is known.
        struct Same<'a>(&'a (dyn Extractor + 'a));
        impl Extractor for Same<'_> {
            fn get(&self, name: &str) -> Option<&str> {
                self.0.get(name)
            }
            fn keys(&self) -> Vec<&str> {
                self.0.keys()
            }
            fn get_all(&self, name: &str) -> Option<Vec<&str>> {
                self.0.get_all(name)
            }
        }
        f(&Same(self));
    }
}

impl<'a> CarrierMut for dyn Injector + 'a {
    fn write(&mut self, f: &mut dyn FnMut(&mut dyn Injector)) {
        /// As above.
        struct Same<'a, 'b>(&'a mut (dyn Injector + 'b));
        impl Injector for Same<'_, '_> {
            fn set(&mut self, name: &str, value: String) {
                self.0.set(name, value);
            }
            fn reserve(&mut self, additional: usize) {
                self.0.reserve(additional);
            }
        }
        f(&mut Same(self));
    }
}

impl Carrier for Headers<'_> {
    fn read(&self, f: &mut dyn FnMut(&dyn Extractor)) {
        f(self);
    }
}

/// What says nothing any more once this header is another one: the rest of the trace that it was of.
fn stale(name: &str) -> &'static [&'static str] {
    match name {
        "traceparent" => &["tracestate"],
        "x-b3-traceid" => &["x-b3-parentspanid", "x-b3-sampled", "x-b3-flags"],
        _ => &[],
    }
}
