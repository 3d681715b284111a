//! Behaviour across crates: what crosses the wire.

mod answers;
mod config_file;
mod configuration;
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
#[cfg(unix)]
mod sockets;
mod support;
mod tls;
mod zipkin;
