#![allow(unused)]
use otelier::prelude::*;

#[trace_exchange_api(crypto.market = Market::Kraken, url.template = "/x", crypto.retry_after = 3)]
fn call() {}

fn main() {}
