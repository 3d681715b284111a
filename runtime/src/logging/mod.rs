//! The ids of the active span, and the correlation id, in every log line.
//!
//! | lines of | hook | feature |
//! |-|-|-|
//! | `tracing-subscriber`, text | [`layer`], or [`Text`] around any format | `tracing` |
//! | `tracing-subscriber`, JSON | [`json_layer`], or [`Json`] | `tracing` |
//! | `log`: `env_logger`, `simple_logger` and others | [`Log`] around any logger | `log` |
//!
//! The names are those of OpenTelemetry's
//! [trace context in non-OTLP log formats](https://opentelemetry.io/docs/specs/otel/compatibility/logging_trace_context/):
//! `trace_id`, `span_id` and, in JSON, `trace_flags`; beside them `correlation_id`, which in JSON is `correlation.id`, as on
//! spans. The span is the one that is active on the thread, exactly, also where
//! OpenTelemetry's context has only an ancestor of it (see [`bridge`](crate::bridge)); without one, and without a
//! [`CorrelationContext`](crate::CorrelationContext), lines are as they are without the hook. An unsampled span has ids, too.
//!
//! Nothing that comes from outside can break a line: ids are hexadecimal, and correlation ids are checked.

mod ids;
#[cfg(feature = "log")]
mod log;
#[cfg(feature = "tracing")]
mod subscriber;

#[cfg(feature = "log")]
pub use self::log::{Log, set_logger};
#[cfg(feature = "tracing")]
pub use subscriber::{Json, JsonLayer, Text, TextLayer, json_layer, layer};
