//! How far telemetry reaches into OpenTelemetry.

/// How far telemetry is wired into OpenTelemetry's global state, and so whether spans may stay out of its
/// [`Context`](opentelemetry::Context) until somebody asks for them.
///
/// Local roots, asynchronous spans and spans of other kinds than internal are OpenTelemetry's current span in every case.
/// See [`bridge`](crate::bridge) for what the hooks are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hooks {
    /// The pipeline becomes OpenTelemetry's global tracer provider, and what
    /// [`with_propagators`](super::Telemetry::with_propagators) chooses its global propagator, in place of whatever was
    /// installed before. Synchronous internal spans are lazy: they cost no context and no allocation.
    #[default]
    Global,
    /// You install the hooks yourself, around what you use of OpenTelemetry: [`bridge::hooked`](crate::bridge::hooked).
    /// Synchronous internal spans are lazy.
    Manual,
    /// Nothing is installed. Every span is OpenTelemetry's current span, for about 140 ns and two allocations a span.
    None,
}
