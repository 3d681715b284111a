//! Spans and events of [`tracing`] as spans and events of ours: those of the libraries a program uses, such as
//! `sqlx`, `hyper`, `h2`, `tower-http` and the AWS SDK, and its own.
//!
//! A span of `tracing` is a child of whatever is active where it is made, an annotated function, a span by hand, one of
//! OpenTelemetry's API or another one of `tracing`; and while it is entered, it is the parent of all of these. The page
//! `docs/tracing.md` says what becomes of what, and what
//! differs from `tracing-opentelemetry`.
//!
//! ```
//! use otelier::prelude::*;
//! use tracing_subscriber::layer::SubscriberExt;
//! use tracing_subscriber::util::SubscriberInitExt;
//!
//! // As a library does.
//! fn query(statement: &str) {
//!     let _entered = tracing::info_span!("query", db.query.text = statement).entered();
//!     tracing::debug!(rows = 3, "done");
//! }
//!
//! #[trace]
//! fn load() {
//!     query("SELECT 1"); // A child of `load`.
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let telemetry = otelier::init(Telemetry::default())?;
//! tracing_subscriber::registry().with(otelier::tracing::layer()).init();
//! load();
//! assert_eq!(telemetry.shutdown()?.started, 2);
//! # Ok(())
//! # }
//! ```

/// The examples of the page run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/tracing.md")]
mod page {}

mod callsites;
mod entered;
mod events;
mod layer;
mod open;
mod span_ext;
mod values;

pub use layer::Layer;
pub use span_ext::{SetParentError, SpanExt};

/// A layer for a subscriber of `tracing` that turns its spans and events into ours; see the [module](self).
///
/// It needs a subscriber that keeps spans, as [`tracing_subscriber::registry()`] does, and takes any filter. It may be
/// there before [`init`](crate::init): what is made without a pipeline is not recorded and costs little. A subscriber
/// needs one of them; of a second one spans come only once.
///
/// ```
/// use tracing::level_filters::LevelFilter;
/// use tracing_subscriber::Layer;
/// use tracing_subscriber::layer::SubscriberExt;
///
/// let subscriber = tracing_subscriber::registry()
///     .with(otelier::tracing::layer().with_location(false).with_filter(LevelFilter::INFO));
/// ```
pub fn layer() -> Layer {
    Layer::new()
}
