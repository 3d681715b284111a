//! Behaviour across crates: what crosses the wire.

mod answers;
mod config_file;
mod configuration;
#[cfg(unix)]
mod counterparties;
mod encodings;
mod equality;
mod exceptions;
mod faults;
mod interop;
mod metrics;
mod notation;
mod otlp;
mod presets;
mod prometheus;
mod random;
mod sdk_metrics;
#[cfg(unix)]
mod sockets;
mod support;
mod tls;
mod zipkin;
