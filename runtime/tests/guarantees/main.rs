//! What the runtime guarantees, as exact trees of spans.
//!
//! One pipeline runs in a process at a time, so every test starts its own through [`support::Recorder`] or holds
//! [`support::turn`], also while spans end: what ends later is the next test's. A test that is annotated itself cannot, and
//! stands in another binary.

mod support;

mod adaptive;
mod attempts;
mod by_hand;
mod changing_samplers;
mod combined;
mod context;
mod correlation;
mod custom_samplers;
mod diagnostics;
mod domains;
mod drains;
mod ending;
mod exporters;
mod flushing;
mod futures;
mod health;
mod hints;
mod keeping;
mod life_cycle;
mod limits;
#[cfg(feature = "metrics")]
mod metrics;
mod options;
mod outcomes;
mod panics;
mod propagators;
mod reentrance;
mod refused_by_queue;
mod relations;
mod reloading;
#[cfg(feature = "otlp-http")]
mod remote;
mod rules;
mod samplers;
mod sampling;
mod schemas;
mod shapes;
mod shared_traces;
mod starting;
mod struct_attributes;
mod tail;
mod trace_flags;
mod values;
mod watch;
