//! Behaviour across crates: what crosses the wire.

mod configuration;
mod equality;
mod exceptions;
mod faults;
mod interop;
mod notation;
mod otlp;
mod random;
mod support;
