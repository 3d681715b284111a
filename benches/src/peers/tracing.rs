//! `#[tracing::instrument]`, exported through `tracing-opentelemetry` and the SDK's batch processor, or with no subscriber.

use super::{Peer, RateLimited, Setup, Unavailable, VENUE, awaits, body, sdk};
use crate::scenario::Mode;
use ::tracing::instrument;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use std::sync::OnceLock;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

pub(crate) struct Tracing<const LAYER: u8>;

/// No subscriber, whatever the mode.
pub(crate) const OFF: u8 = 0;
/// The layer adds nothing of its own.
pub(crate) const TRIMMED: u8 = 1;
/// The layer as it comes.
pub(crate) const DEFAULTS: u8 = 2;

static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

#[instrument(name = "leaf", skip_all)]
#[inline]
pub(super) fn leaf() -> u64 {
    body()
}

#[instrument(
    name = "leaf",
    skip_all,
    fields(app.quantity = quantity, app.price = price, app.symbol = symbol, app.venue = VENUE)
)]
#[inline]
pub(super) fn attributes(quantity: i64, price: f64, symbol: &str) -> u64 {
    body()
}

#[instrument(name = "leaf", skip_all, fields(app.quantity = quantity, app.venue = VENUE))]
pub(super) async fn asynchronous(quantity: i64) -> u64 {
    awaits().await
}

#[instrument(name = "leaf", skip_all, err)]
#[inline]
pub(super) fn error(quantity: i64) -> Result<u64, RateLimited> {
    Err(RateLimited(quantity))
}

/// The functions of `Peer`, for everybody who uses `tracing`.
macro_rules! functions {
    () => {
        fn root(f: impl FnOnce()) {
            let _entered = ::tracing::info_span!("root").entered();
            f();
        }

        #[inline(never)]
        fn leaf() -> u64 {
            $crate::peers::tracing::leaf()
        }

        #[inline(never)]
        fn attributes(quantity: i64, price: f64, symbol: &str) -> u64 {
            $crate::peers::tracing::attributes(quantity, price, symbol)
        }

        #[inline(never)]
        fn asynchronous(quantity: i64) -> u64 {
            $crate::peers::block_on($crate::peers::tracing::asynchronous(quantity))
        }

        #[inline(never)]
        fn error(quantity: i64) -> u64 {
            u64::from($crate::peers::tracing::error(quantity).is_err())
        }
    };
}
pub(super) use functions;

impl<const LAYER: u8> Peer for Tracing<LAYER> {
    fn start(setup: &Setup) -> Result<(), Unavailable> {
        if LAYER == OFF || setup.mode == Mode::Off {
            return Ok(());
        }
        if setup.mode == Mode::TailDropped {
            return Err(Unavailable);
        }
        let provider = sdk::provider(setup);
        let mut layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("benches"));
        if LAYER == TRIMMED {
            layer = layer.with_location(false).with_threads(false).with_tracked_inactivity(false).with_target(false);
        }
        _ = PROVIDER.set(provider);
        tracing_subscriber::registry().with(layer).init();
        Ok(())
    }

    fn flush() {
        if let Some(provider) = PROVIDER.get() {
            // What could not be exported shows in the numbers.
            let _ = provider.force_flush();
        }
    }

    functions!();
}
