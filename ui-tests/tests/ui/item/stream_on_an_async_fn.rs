#![allow(unused)]
use otelier::prelude::*;

#[trace(stream)]
async fn load() -> Vec<u64> {
    vec![1]
}

fn main() {}
