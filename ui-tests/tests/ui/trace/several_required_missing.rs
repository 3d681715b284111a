#![allow(unused)]
use otelier::prelude::*;

#[trace_storage(crypto.symbol = "BTCUSDT")]
fn write() {}

fn main() {}
