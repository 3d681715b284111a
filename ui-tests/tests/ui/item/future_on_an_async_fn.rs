#![allow(unused)]
use otelier::prelude::*;

#[trace(future)]
async fn load() -> u64 {
    1
}

fn main() {}
