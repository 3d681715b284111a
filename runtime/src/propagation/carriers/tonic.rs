//! Metadata of gRPC messages, as tonic has it.

use super::{Carrier, CarrierMut, stale};
use crate::headers::HeaderCarrier;
use crate::relation::ParentContext;
use ::tonic::metadata::{Ascii, MetadataKey, MetadataMap, MetadataValue};
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector};
use std::fmt;

/// The metadata of a gRPC message as what propagators read; see [`HeaderCarrier`](crate::propagation::HeaderCarrier).
///
/// ```
/// use otelier::opentelemetry::propagation::Extractor;
/// use otelier::propagation::MetadataCarrier;
///
/// let mut metadata = tonic::metadata::MetadataMap::new();
/// metadata.insert("baggage", "user=7".parse()?);
/// assert_eq!(MetadataCarrier::new(&metadata).get("Baggage"), Some("user=7"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct MetadataCarrier<'a>(HeaderCarrier<'a>);

impl<'a> MetadataCarrier<'a> {
    /// Reads this metadata.
    pub fn new(metadata: &'a MetadataMap) -> Self {
        Self(HeaderCarrier::new(metadata.as_ref()))
    }
}

/// Names only: values may be secrets.
impl fmt::Debug for MetadataCarrier<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Extractor for MetadataCarrier<'_> {
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

/// The metadata of a gRPC message as what propagators write into; see
/// [`HeaderInjector`](crate::propagation::HeaderInjector).
///
/// ```
/// use otelier::opentelemetry::propagation::Injector;
/// use otelier::propagation::MetadataInjector;
///
/// let mut metadata = tonic::metadata::MetadataMap::new();
/// MetadataInjector(&mut metadata).set("baggage", "user=7".into());
/// assert!(metadata.contains_key("baggage"));
/// ```
#[derive(Debug)]
pub struct MetadataInjector<'a>(
    /// Where the headers go.
    pub &'a mut MetadataMap,
);

impl Injector for MetadataInjector<'_> {
    fn set(&mut self, name: &str, value: String) {
        let Ok(key) = MetadataKey::<Ascii>::from_bytes(name.as_bytes()) else { return };
        let Ok(value) = MetadataValue::<Ascii>::try_from(value) else { return };
        self.0.insert(key, value);
        for name in stale(name) {
            self.0.remove(*name);
        }
    }
}

impl Carrier for MetadataMap {
    fn read(&self, f: &mut dyn FnMut(&dyn Extractor)) {
        f(&MetadataCarrier::new(self));
    }
}

impl Carrier for MetadataCarrier<'_> {
    fn read(&self, f: &mut dyn FnMut(&dyn Extractor)) {
        f(self);
    }
}

impl ParentContext for MetadataMap {
    fn parent_context(&self) -> Option<Context> {
        crate::headers::extract(&MetadataCarrier::new(self)).parent_context()
    }
}

impl ParentContext for MetadataCarrier<'_> {
    fn parent_context(&self) -> Option<Context> {
        crate::headers::extract(self).parent_context()
    }
}

impl CarrierMut for MetadataMap {
    fn write(&mut self, f: &mut dyn FnMut(&mut dyn Injector)) {
        f(&mut MetadataInjector(self));
    }
}

impl CarrierMut for MetadataInjector<'_> {
    fn write(&mut self, f: &mut dyn FnMut(&mut dyn Injector)) {
        f(self);
    }
}
