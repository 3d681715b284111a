#![allow(unused)]
use otelier::prelude::*;

#[trace(future, stream)]
fn load() -> impl Future<Output = u64> {
    std::future::ready(1)
}

fn main() {}
