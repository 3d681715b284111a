//! `#[fastrace::trace]`, exported through `fastrace-opentelemetry`.
//!
//! fastrace keeps attributes as strings only, so numbers are formatted, and it records no errors, so S4 writes by hand what
//! the others do by themselves.

use super::{Output, Peer, RateLimited, Setup, Unavailable, awaits, block_on, body, sdk};
use crate::scenario::Mode;
use crate::spans::v33;
use ::fastrace::collector::Config;
use ::fastrace::local::LocalSpan;
use ::fastrace::prelude::{Span, SpanContext};
use ::fastrace::{Event, trace};
use fastrace_opentelemetry::OpenTelemetryReporter;
use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanExporter;
use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

pub(crate) struct Fastrace<const VARIANT: u8>;

/// As documented.
pub(crate) const USUAL: u8 = 0;
/// S2 with constants in place of the numbers.
pub(crate) const STRINGS: u8 = 1;
/// The program makes no root.
pub(crate) const ROOTLESS: u8 = 2;

static SAMPLED: AtomicBool = AtomicBool::new(true);

#[trace(name = "leaf")]
#[inline]
fn leaf() -> u64 {
    body()
}

#[trace(
    name = "leaf",
    properties = {
        "app.quantity": "{quantity}",
        "app.price": "{price}",
        "app.symbol": "{symbol}",
        "app.venue": "binance"
    }
)]
#[inline]
fn attributes(quantity: i64, price: f64, symbol: &str) -> u64 {
    body()
}

#[trace(
    name = "leaf",
    properties = { "app.quantity": "7", "app.price": "64250.25", "app.symbol": "{symbol}", "app.venue": "binance" }
)]
#[inline]
fn strings(symbol: &str) -> u64 {
    body()
}

#[trace(name = "leaf", properties = { "app.quantity": "{quantity}", "app.venue": "binance" })]
async fn asynchronous(quantity: i64) -> u64 {
    awaits().await
}

#[trace(name = "leaf")]
#[inline]
fn error(quantity: i64) -> Result<u64, RateLimited> {
    let result = Err(RateLimited(quantity));
    if let Err(error) = &result {
        let message = error.to_string();
        let description = message.clone();
        LocalSpan::add_properties(|| {
            [("span.status_code", Cow::Borrowed("error")), ("span.status_description", Cow::Owned(description))]
        });
        LocalSpan::add_event(Event::new("exception").with_property(|| ("exception.message", message)));
    }
    result
}

fn report(exporter: impl SpanExporter + 'static) {
    let scope = InstrumentationScope::builder("benches").build();
    let resource = Cow::Owned(Resource::builder().build());
    ::fastrace::set_reporter(OpenTelemetryReporter::new(exporter, resource, scope), Config::default());
}

impl<const VARIANT: u8> Peer for Fastrace<VARIANT> {
    fn start(setup: &Setup) -> Result<(), Unavailable> {
        match setup.mode {
            Mode::TailDropped => return Err(Unavailable),
            // No reporter; the program's own calls are what they were.
            Mode::Off => return Ok(()),
            Mode::Recorded => {}
            Mode::Unsampled => SAMPLED.store(false, Relaxed),
        }
        match &setup.output {
            Output::Count => report(v33::Counting { keep: false }),
            Output::Keep => report(v33::Counting { keep: true }),
            Output::Otlp(url) => report(sdk::otlp(url)),
        }
        Ok(())
    }

    fn flush() {
        ::fastrace::flush();
    }

    fn root(f: impl FnOnce()) {
        if VARIANT == ROOTLESS {
            return f();
        }
        let root = Span::root("root", SpanContext::random().sampled(SAMPLED.load(Relaxed)));
        let _parent = root.set_local_parent();
        f();
    }

    #[inline(never)]
    fn leaf() -> u64 {
        leaf()
    }

    #[inline(never)]
    fn attributes(quantity: i64, price: f64, symbol: &str) -> u64 {
        if VARIANT == STRINGS { strings(symbol) } else { attributes(quantity, price, symbol) }
    }

    #[inline(never)]
    fn asynchronous(quantity: i64) -> u64 {
        block_on(asynchronous(quantity))
    }

    #[inline(never)]
    fn error(quantity: i64) -> u64 {
        u64::from(error(quantity).is_err())
    }
}
