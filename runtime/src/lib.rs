//! Annotate a function, and the compiler checks your telemetry.
//!
//! ```
//! use otelier::prelude::*;
//!
//! #[trace_exchange_api(crypto.market = Market::Binance, url.template = "/api/v3/klines",
//!                      crypto.symbol = symbol, late(crypto.record_count))]
//! fn fetch(symbol: &str) -> Result<Vec<f64>, std::io::Error> {
//!     let prices = vec![1.0, 2.0];
//!     record!(crypto.record_count = prices.len());
//!     Ok(prices)
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let telemetry = otelier::init(Telemetry::default().with_service_name("example").with_console(true))?;
//! fetch("BTCUSDT")?;
//! telemetry.shutdown()?; // exports what is left, within 5 s
//! # Ok(())
//! # }
//! ```
//!
//! * [`trace`] and its siblings give a function a span, or every method of an `impl` block or a trait; a misspelt
//!   attribute, a wrong type or a missing value is a compile error at the token that must change.
//! * What was returned is recorded by `ret(..)`, what went wrong by `err(..)`; errors say what they are with
//!   [`ErrorClass`](macro@ErrorClass), panics by themselves. [`relation`] has what names a span's parent and its links.
//! * [`span_schema!`] declares what a span has; the ready schemas are in [`schema`].
//! * [`AttributeEnum`](macro@AttributeEnum) makes an enum the values of an attribute,
//!   [`SpanAttributes`](macro@SpanAttributes) a struct a set of attributes.
//! * [`Span`] is a span by hand, for code that cannot be annotated, and [`current_span`] the one that is active;
//!   [`in_span!`], [`InSpan`], [`TraceIterator`] and [`TraceStream`] give spans to closures, futures and loops,
//!   [`Attempts`] to retries, [`batch`] to several messages at once; [`bridge`] has spans of OpenTelemetry's API both
//!   ways.
//! * [`propagation`] reads and writes what carries a trace to other processes; [`traced_command`] starts one in the trace,
//!   [`prefect`] a flow run. `otelier::http` has spans for whole requests (feature `tower`), `otelier::tracing` those of
//!   libraries that speak to `tracing`. A [`CorrelationContext`] is one id through services, jobs and log lines.
//! * [`init`] starts a pipeline from [`Telemetry`]; its [`Guard`] flushes and shuts down with a deadline, and changes the
//!   sampler and other settings at run time. [`init_once`] shares one pipeline.
//! * [`health`] says how the pipeline is doing, as a value, as JSON and over HTTP; [`diagnostics`] is what it logs.
//! * [`sampling`] simulates what settings would keep of spans that were recorded before.
//! * `otelier::testing` (feature `testing`) shows a test which spans its code makes.
//!
//! # Features
//!
//! | feature | default | what |
//! |-|-|-|
//! | `config-file` | yes | `OTEL_CONFIG_FILE`: settings from a file of OpenTelemetry's declarative configuration |
//! | `otlp-http` | yes | OTLP over HTTP with protobuf or JSON bodies |
//! | `otlp-grpc` | no | OTLP over gRPC |
//! | `gzip` | yes | compressed requests, for both transports of OTLP |
//! | `tls` | no | `https` for both transports of OTLP and for Zipkin, with the system's certificates or those of a file |
//! | `metrics` | yes | metrics: a meter provider from settings, durations of calls whose annotations ask for `metrics` |
//! | `prometheus` | no | [`config::Prometheus`]: metrics for Prometheus to fetch, over HTTP |
//! | `zipkin` | no | [`config::Zipkin`]: spans to Zipkin, which speaks OTLP by a module of its own and is better reached so |
//! | `http` | with `otlp-*` | `http::HeaderMap` carries traces, see [`propagation`], and names the parent of a span, see [`relation`] |
//! | `tower` | no | `otelier::http`: spans for requests of servers and clients of tower, and of gRPC on both sides |
//! | `reqwest` | no | `otelier::http::reqwest`: spans for requests of reqwest; brings `tower` |
//! | `tonic` | no | tonic's metadata carries traces, see [`propagation`] |
//! | `tracing` | no | `otelier::tracing`: spans and events of `tracing` become ours; `otelier::logging`: our ids in log lines |
//! | `log` | no | `otelier::logging`: our ids in the records of `log` |
//! | `logs` | no | [`bridge::hooked`] for log processors of the OpenTelemetry SDK, its log exporters for exceptions |
//! | `hyper` | no | [`health`] as a hyper service |
//! | `axum` | no | [`health`] as an axum router; with `tower` the matched route of a request |
//! | `signals` | no | `otelier::signals`: telemetry ends in time when the process gets `SIGTERM` or `SIGINT` |
//! | `testing` | no | `otelier::testing`: which spans a test's code makes, in any number of tests at a time |
//! | `registry` | no | `schema::registry`: all schemas and call sites of a program, for tools and tests |

extern crate self as otelier;

mod clock;
pub mod diagnostics;
mod error;
mod headers;
mod wire;

pub mod attribute;
pub mod schema;

pub mod relation;

mod record;

mod resource;

pub mod bridge;
pub mod config;
pub mod propagation;

pub mod sampling;
mod span;

pub mod correlation;

#[cfg(feature = "tower")]
pub mod http;
#[cfg(any(feature = "log", feature = "tracing"))]
pub mod logging;
pub mod prefect;
pub mod process;
#[cfg(feature = "tracing")]
pub mod tracing;

pub mod export;

#[cfg(feature = "metrics")]
mod metrics;

mod pipeline;

pub mod health;

#[cfg(feature = "signals")]
pub mod signals;

#[cfg(feature = "testing")]
pub mod testing;

#[doc(hidden)]
pub mod private;
/// For `fuzz/` alone.
#[cfg(all(fuzzing, feature = "otlp-http", feature = "otlp-grpc"))]
#[doc(hidden)]
pub use export::otlp::fuzz::answer as fuzz_answer;
/// For `fuzz/` alone.
#[cfg(all(fuzzing, feature = "otlp-http"))]
#[doc(hidden)]
pub use export::strategies::fuzz::strategies as fuzz_strategies;

pub use attribute::secret::Secret;
pub use bridge::{current_context, in_current_context, spawn_thread, with_current_context};
pub use config::Telemetry;
pub use correlation::{CorrelationContext, correlation_id};
pub use error::{ConfigError, Error, Place, Problem};
pub use opentelemetry;
pub use opentelemetry_sdk;
pub use otelier_macros::{
    AttributeEnum, ErrorClass, SpanAttributes, SpanSchema, attribute_group, event_schema, span_schema, trace,
    trace_benchmark, trace_block, trace_build_step, trace_database, trace_etl, trace_exchange_api, trace_ingestion,
    trace_job, trace_performance, trace_processing, trace_stage, trace_startup, trace_storage, trace_test,
    trace_workflow,
};
pub use pipeline::{
    BreakerState, ExporterStats, FileWatch, Guard, Pipeline, ReceiverStats, ReloadError, SamplingCounts, SharedGuard,
    Stats, TailCounts, TailRuleCounts, TimedOut, init, init_once,
};
pub use private::{event, in_span, record};
pub use process::{TracedCommand, traced_command};
pub use record::{ErrorClass, ErrorKind, Priority, Recovery, Severity};
pub use record::{TracedFuture, TracedIterator, TracedStream};
pub use span::{
    Attempts, ByClass, ByText, CurrentSpan, Entered, InSpan, Span, SpanBuilder, SpanFuture, SpanIterator, SpanStream,
    TraceIterator, TraceStream, batch, current_span, in_span, in_span_async, retry, retry_async, spawn, spawn_blocking,
    spawn_local, try_in_span,
};

#[doc(hidden)]
pub use private as __private;

/// Everything an annotated module needs.
///
/// ```
/// use otelier::prelude::*;
/// ```
pub mod prelude {
    pub use crate::attribute::{disclose, hash, redact};
    pub use crate::schema::cicd::StepType;
    pub use crate::schema::crypto::{DataType, Market, ProcessingStage, Timeframe};
    pub use crate::schema::database::CommandCategory;
    pub use crate::schema::etl::EtlStage;
    pub use crate::schema::job::JobTrigger;
    pub use crate::schema::lakehouse::Layer;
    pub use crate::schema::storage::StorageOperation;
    pub use crate::schema::workflow::WorkflowType;
    pub use crate::{
        AttributeEnum, ErrorClass, SpanAttributes, Telemetry, event, record, trace, trace_benchmark, trace_block,
        trace_build_step, trace_database, trace_etl, trace_exchange_api, trace_ingestion, trace_job, trace_performance,
        trace_processing, trace_stage, trace_startup, trace_storage, trace_test, trace_workflow,
    };
}

/// The README's examples run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}

/// The examples of the page about spans by hand, too.
#[cfg(doctest)]
#[doc = include_str!("../../docs/manual.md")]
mod manual_page {}

/// The examples of the page about HTTP, too.
#[cfg(all(doctest, feature = "axum", feature = "tower"))]
#[doc = include_str!("../../docs/http.md")]
mod http_page {}

/// The examples of the page about clients, too.
#[cfg(all(doctest, feature = "reqwest"))]
#[doc = include_str!("../../docs/http-clients.md")]
mod http_clients_page {}

/// Those of the page about headers and OpenTelemetry's API.
#[cfg(doctest)]
#[doc = include_str!("../../docs/context.md")]
mod context_page {}

/// The examples of the pages about sampling.
#[cfg(doctest)]
mod pages_of_sampling {
    #[doc = include_str!("../../docs/adaptive-sampling.md")]
    mod adaptive {}
    #[doc = include_str!("../../docs/sampling.md")]
    mod entry {}
    #[doc = include_str!("../../docs/tail-sampling.md")]
    mod tail {}
}

/// The examples of the page about tests run with them.
#[cfg(all(doctest, feature = "testing"))]
#[doc = include_str!("../../docs/testing.md")]
mod testing_page {}

/// The examples of the pages about export, health and metrics of the pipeline run, too.
#[cfg(all(doctest, feature = "metrics"))]
mod pages_of_export {
    #[doc = include_str!("../../docs/export.md")]
    mod export {}
    #[doc = include_str!("../../docs/health.md")]
    mod health {}
    #[doc = include_str!("../../docs/sdk-metrics.md")]
    mod sdk_metrics {}
}

/// The examples of the page about correlation run with those features that they show.
#[cfg(all(doctest, feature = "log", feature = "tracing"))]
#[doc = include_str!("../../docs/correlation.md")]
mod correlation_page {}

/// The examples of the page about schemas run with the tests, too.
#[cfg(doctest)]
#[doc = include_str!("../../docs/schemas.md")]
mod schemas_page {}

/// The examples of the page about processes, too.
#[cfg(doctest)]
#[doc = include_str!("../../docs/processes.md")]
mod processes_page {}
