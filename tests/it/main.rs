//! Behaviour across crates: what crosses the wire.

mod faults;
mod otlp;
mod support;
