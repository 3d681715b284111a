//! Behaviour across crates: what crosses the wire.

mod equality;
mod faults;
mod notation;
mod otlp;
mod support;
