//! The pipeline measures itself, by the semantic conventions' SDK metrics.
//!
//! Observable instruments read the numbers that [`Stats`](crate::Stats) is made of when a reader collects, so that nothing
//! is counted twice and recording spans costs what it did. Durations are told by the [books](crate::export::Book) of the
//! exporters when an export is over.
//!
//! Nothing here keeps a pipeline alive, and nothing is observed of one that has ended or that belongs to the process that
//! this is a fork of.

mod component;
mod durations;
mod instruments;
mod snapshot;

use super::shared::Shared;
use crate::export::sdk::{SCOPE_NAME, SCOPE_VERSION};
use crate::metrics::Provider;
use component::Component;
use instruments::{INSTRUMENTS, Observe};
use opentelemetry::InstrumentationScope;
use opentelemetry::metrics::MeterProvider;
use snapshot::Source;
use std::sync::Arc;

/// The version of the semantic conventions whose names, units and descriptions these are.
const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.44.0";

/// Makes the instruments, on a meter of the pipeline's own provider.
pub(super) fn install(provider: &Provider, shared: &Arc<Shared>) {
    let scope = InstrumentationScope::builder(SCOPE_NAME).with_version(SCOPE_VERSION).with_schema_url(SCHEMA_URL);
    let meter = provider.meter_with_scope(scope.build());
    let components: Arc<[Component]> = Component::of_all(&shared.books).into();
    let source = Arc::new(Source::new(shared, Arc::clone(&components)));
    for (number, instrument) in INSTRUMENTS.iter().enumerate() {
        let source = Arc::clone(&source);
        // What comes back is only a handle: the meter keeps the callback.
        match instrument.observe {
            Observe::Counter(observe) => {
                let builder = meter.u64_observable_counter(instrument.name).with_unit(instrument.unit);
                let builder = builder.with_description(instrument.description).with_callback(move |to| {
                    source.look(number, |seen| observe(seen, &mut |value, attributes| to.observe(value, attributes)));
                });
                builder.build();
            }
            Observe::UpDownCounter(observe) => {
                let builder = meter.i64_observable_up_down_counter(instrument.name).with_unit(instrument.unit);
                let builder = builder.with_description(instrument.description).with_callback(move |to| {
                    source.look(number, |seen| {
                        observe(seen, &mut |value, attributes| {
                            to.observe(i64::try_from(value).unwrap_or(i64::MAX), attributes);
                        });
                    });
                });
                builder.build();
            }
            Observe::Gauge(observe) => {
                let builder = meter.f64_observable_gauge(instrument.name).with_unit(instrument.unit);
                let builder = builder.with_description(instrument.description).with_callback(move |to| {
                    source.look(number, |seen| observe(seen, &mut |value, attributes| to.observe(value, attributes)));
                });
                builder.build();
            }
        }
    }
    durations::observe(&meter, &shared.books, &components);
}
