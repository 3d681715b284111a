//! Headers and baggage: how a context comes in and goes out.

use super::{CORRELATION_ID, CorrelationContext, NAMES, Origin, Settings, id, set_own, tidy};
use opentelemetry::baggage::{Baggage, BaggageExt};
use opentelemetry::propagation::{Extractor, Injector};
use opentelemetry::{Context, global};
use std::sync::Arc;

/// What came in.
enum Found {
    Nothing,
    /// Something that is no id.
    Refused,
    Id(Arc<str>),
}

impl Found {
    fn new<'a>(mut values: impl Iterator<Item = &'a str>) -> Self {
        match (values.next().map(str::trim), values.next()) {
            (None, _) => Self::Nothing,
            (Some(id), None) if id::check(id).is_ok() => Self::Id(id.into()),
            // Of several nobody knows which one counts.
            _ => Self::Refused,
        }
    }
}

impl CorrelationContext {
    /// What the headers of a request or a message say: the id from the [header](Settings::header), or else from the baggage,
    /// and from the baggage whatever the settings read there.
    ///
    /// An id that is not acceptable, or two of them, are refused and never shown. Then, and where none comes in, the settings
    /// say whether a new one is [made](Settings::generate); [`origin`](Self::origin) tells.
    ///
    /// ```
    /// use otelier::CorrelationContext;
    /// use otelier::correlation::{Origin, Settings};
    /// use std::collections::HashMap;
    ///
    /// let settings = Settings::default();
    /// let mut headers = HashMap::from([("x-correlation-id".to_owned(), "order-42".to_owned())]);
    /// let found = CorrelationContext::from_carrier(&headers, &settings).expect("one came in");
    /// assert_eq!((found.id(), found.origin()), ("order-42", Origin::Received));
    ///
    /// headers.insert("x-correlation-id".to_owned(), "<script>".to_owned());
    /// let made = CorrelationContext::from_carrier(&headers, &settings).expect("a new one is made");
    /// assert_eq!(made.origin(), Origin::Replaced);
    /// ```
    pub fn from_carrier(carrier: &dyn Extractor, settings: &Settings) -> Option<Self> {
        let read = |propagator: &dyn opentelemetry::propagation::TextMapPropagator| {
            propagator.extract_with_context(&Context::new(), carrier)
        };
        let wants_baggage = settings.accept && !settings.baggage.is_empty();
        let context = if wants_baggage { global::get_text_map_propagator(read) } else { Context::new() };
        Self::from_carrier_in(carrier, &context, settings)
    }

    /// The same for who has already read the headers: the baggage is that of `extracted`.
    pub fn from_carrier_in(carrier: &dyn Extractor, extracted: &Context, settings: &Settings) -> Option<Self> {
        let values = settings.header.as_deref().and_then(|name| carrier.get_all(name)).unwrap_or_default();
        Self::found(Found::new(values.into_iter()), extracted.baggage(), settings)
    }

    /// What the baggage of a context says, for where there are no headers, or another header: the receiving side of
    /// [`context`](Self::context).
    ///
    /// ```
    /// use opentelemetry::Context;
    /// use otelier::CorrelationContext;
    /// use otelier::correlation::Settings;
    ///
    /// let settings = Settings::default().with_baggage(["correlation.id", "job.id"]);
    /// let sent = CorrelationContext::with_id("order-42")?.with_job("7f3c2a");
    /// let on_its_way = sent.context_with(&Context::new(), &settings);
    /// let found = CorrelationContext::from_baggage(&on_its_way, &settings).expect("one came in");
    /// assert_eq!((found.id(), found.job()), ("order-42", Some("7f3c2a")));
    /// # Ok::<(), otelier::correlation::Invalid>(())
    /// ```
    pub fn from_baggage(context: &Context, settings: &Settings) -> Option<Self> {
        Self::found(Found::Nothing, context.baggage(), settings)
    }

    fn found(mut header: Found, baggage: &Baggage, settings: &Settings) -> Option<Self> {
        let make = |origin| settings.generate.then(|| Self::made(origin));
        if !settings.accept {
            return make(Origin::Made);
        }
        let in_baggage = |key: &str| settings.baggage.iter().any(|name| name == key);
        if let (Found::Nothing, true) = (&header, in_baggage(CORRELATION_ID)) {
            header = Found::new(baggage.get(CORRELATION_ID).map(|value| value.as_str()).into_iter());
        }
        let mut found = match header {
            Found::Nothing => make(Origin::Made)?,
            // Whoever sends that is not believed in anything.
            Found::Refused => return make(Origin::Replaced),
            Found::Id(id) => Self::of(id, Origin::Received),
        };
        let parts = Arc::make_mut(&mut found.0);
        for key in settings.baggage.iter().filter(|key| *key != CORRELATION_ID) {
            let Some(value) = baggage.get(key).map(|value| value.as_str()) else { continue };
            match NAMES.iter().position(|name| name == key) {
                Some(which) => parts.named[which] = tidy(value),
                // What is too much or no key stays out: the settings name it, not the program.
                None => drop(set_own(&mut parts.own, key, value)),
            }
        }
        Some(found)
    }

    /// Writes the id into the [header](Settings::header) that the settings name. What goes out in baggage is written by the
    /// propagator, from a context where this is [entered](Self::enter).
    ///
    /// ```
    /// use otelier::CorrelationContext;
    /// use std::collections::HashMap;
    ///
    /// let mut headers = HashMap::new();
    /// CorrelationContext::with_id("order-42")?.inject(&mut headers, &Default::default());
    /// assert_eq!(headers["x-correlation-id"], "order-42");
    /// # Ok::<(), otelier::correlation::Invalid>(())
    /// ```
    pub fn inject(&self, carrier: &mut dyn Injector, settings: &Settings) {
        if let Some(name) = &settings.header {
            carrier.set(name, self.id().to_owned());
        }
    }

    /// The context with what the settings put into its baggage.
    pub(super) fn with_baggage(&self, context: Context, settings: &Settings) -> Context {
        let values: Vec<_> = settings.baggage.iter().filter_map(|key| Some((key.as_str(), self.get(key)?))).collect();
        put(context, &values)
    }
}

/// The context with these entries in its baggage. What is in it already stays, unless OpenTelemetry's limits are reached: the
/// new ones count first.
pub(super) fn put(context: Context, values: &[(&str, &str)]) -> Context {
    let old = context.baggage();
    if values.iter().all(|(key, value)| old.get(key).is_some_and(|known| known.as_str() == *value)) {
        return context;
    }
    let mut baggage = Baggage::new();
    for (key, value) in values {
        baggage.insert((*key).to_owned(), (*value).to_owned());
    }
    for (key, (value, metadata)) in old {
        if baggage.get(key).is_none() {
            baggage.insert_with_metadata(key.clone(), value.clone(), metadata.clone());
        }
    }
    context.with_baggage(baggage)
}
