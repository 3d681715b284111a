//! No instrumentation at all: the price of the bodies, the loop and the calls.

use super::{Peer, RateLimited, Setup, Unavailable, awaits, block_on, body};
use std::hint::black_box;

pub(crate) struct Bare;

#[inline(never)]
fn error(quantity: i64) -> Result<u64, RateLimited> {
    Err(RateLimited(quantity))
}

async fn asynchronous(quantity: i64) -> u64 {
    black_box(quantity);
    awaits().await
}

impl Peer for Bare {
    fn start(_: &Setup) -> Result<(), Unavailable> {
        Ok(())
    }

    fn flush() {}

    #[inline(never)]
    fn root(f: impl FnOnce()) {
        f();
    }

    #[inline(never)]
    fn leaf() -> u64 {
        body()
    }

    #[inline(never)]
    fn attributes(quantity: i64, price: f64, symbol: &str) -> u64 {
        black_box((quantity, price, symbol));
        body()
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
