use otelier::prelude::*;

#[trace_startup(warm_up)]
fn warm_caches() {}

fn main() {}
