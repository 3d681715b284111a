//! Spans of ours and of OpenTelemetry's API as parents and children of each other.

mod carried;
mod handles;
mod headers;
mod logs;
mod native;
mod nesting;
mod order;
mod random;
mod remote;
mod setup;
mod tracing_layer;
mod tracing_spans;
