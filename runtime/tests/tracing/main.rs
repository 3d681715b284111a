//! Spans and events of `tracing` as ours.

mod entering;
mod events;
mod extension;
mod fields;
mod filters;
mod libraries;
mod nesting;
mod sampling;

use otelier::testing::{Captured, capture};
use tracing_subscriber::layer::SubscriberExt;

/// A layer that adds nothing of its own to spans and events but what every one has.
fn plain() -> otelier::tracing::Layer {
    otelier::tracing::layer().with_location(false).with_target(false)
}

/// Runs `f` with a layer, and gives the spans that it made.
fn traced<T>(layer: otelier::tracing::Layer, f: impl FnOnce() -> T) -> Captured<T> {
    capture(|| tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), f))
}

/// The same with the [plain] layer.
fn plainly<T>(f: impl FnOnce() -> T) -> Captured<T> {
    traced(plain(), f)
}

fn one_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}
