//! Behaviour across crates: what crosses the wire.

mod otlp;
mod support;
