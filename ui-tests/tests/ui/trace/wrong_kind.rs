#![allow(unused)]
use otelier::prelude::*;

#[trace_exchange_api(kind = server, crypto.market = Market::Kraken, url.template = "/x")]
fn call() {}

fn main() {}
