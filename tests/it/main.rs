//! Behaviour across crates: what crosses the wire.

mod equality;
mod exceptions;
mod faults;
mod interop;
mod metrics;
mod notation;
mod otlp;
mod random;
mod support;
