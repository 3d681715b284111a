//! Functions annotated with otelier.

use super::{Output, Peer, RateLimited, Setup, Unavailable, awaits, block_on, body};
use crate::scenario::Mode;
use crate::spans::v33;
use otelier::config::{Hooks, Otlp, Sampler, TailSampling};
use otelier::prelude::*;
use otelier::{Guard, Pipeline};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

pub(crate) struct Ours<const ATTACHED: bool>;

static GUARD: Mutex<Option<Guard>> = Mutex::new(None);

/// The settings of the two ways to live with OpenTelemetry's context.
fn settings(attached: bool) -> Telemetry {
    if attached { Telemetry::default().with_hooks(Hooks::None) } else { Telemetry::default() }
}

/// S9: tail sampling that keeps traces that failed, of which there are none.
fn tail_dropped(settings: Telemetry) -> Option<Telemetry> {
    Some(settings.with_tail_sampling(TailSampling::failed()))
}

#[trace(name = "root")]
fn root(f: impl FnOnce()) {
    f();
}

#[trace(name = "leaf")]
#[inline]
fn leaf() -> u64 {
    body()
}

#[trace(
    name = "leaf",
    "app.quantity" = quantity,
    "app.price" = price,
    "app.symbol" = symbol,
    "app.venue" = "binance"
)]
// Two peers share the function: without this rustc may give them a jump to it, which is no part of an annotation.
#[inline(always)]
fn attributes(quantity: i64, price: f64, symbol: &str) -> u64 {
    body()
}

#[trace(name = "leaf", "app.quantity" = quantity, "app.venue" = "binance")]
async fn asynchronous(quantity: i64) -> u64 {
    awaits().await
}

#[trace(name = "leaf")]
#[inline]
fn error(quantity: i64) -> Result<u64, RateLimited> {
    Err(RateLimited(quantity))
}

impl<const ATTACHED: bool> Peer for Ours<ATTACHED> {
    fn start(setup: &Setup) -> Result<(), Unavailable> {
        let mut telemetry = settings(ATTACHED);
        match setup.mode {
            Mode::Off => return Ok(()),
            Mode::Recorded => {}
            Mode::Unsampled => telemetry = telemetry.with_sampler(Sampler::AlwaysOff),
            Mode::TailDropped => telemetry = tail_dropped(telemetry).ok_or(Unavailable)?,
        }
        if let Some(queue) = setup.queue {
            telemetry = telemetry.with_max_queue_size(queue);
        }
        let pipeline = match &setup.output {
            Output::Count => Pipeline::new(telemetry).with_span_exporter(v33::Counting { keep: false }),
            Output::Keep => Pipeline::new(telemetry).with_span_exporter(v33::Counting { keep: true }),
            Output::Otlp(url) => Pipeline::new(telemetry.with_otlp(Otlp::to(url))),
        };
        let guard = pipeline.start().expect("these settings can be used");
        *GUARD.lock().unwrap_or_else(PoisonError::into_inner) = Some(guard);
        Ok(())
    }

    fn flush() {
        if let Some(guard) = &*GUARD.lock().unwrap_or_else(PoisonError::into_inner) {
            guard.force_flush(Duration::from_secs(30)).expect("half a minute is enough");
        }
    }

    fn root(f: impl FnOnce()) {
        root(f);
    }

    #[inline(never)]
    fn leaf() -> u64 {
        leaf()
    }

    #[inline(never)]
    fn attributes(quantity: i64, price: f64, symbol: &str) -> u64 {
        attributes(quantity, price, symbol)
    }

    #[inline(never)]
    fn asynchronous(quantity: i64) -> u64 {
        block_on(asynchronous(quantity))
    }

    #[inline(never)]
    fn error(quantity: i64) -> u64 {
        u64::from(error(quantity).is_err())
    }

    fn lost() -> Option<u64> {
        let guard = GUARD.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let stats = guard.shutdown().expect("everything is flushed already");
        let refused = |exporter: &otelier::ExporterStats| exporter.failed + exporter.rejected;
        Some(stats.dropped() + stats.exporters.iter().map(refused).sum::<u64>())
    }
}
