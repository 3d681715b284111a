use otelier::prelude::*;

#[trace_startup(config_load, startup.dependency_count = 3)]
fn read() {}

fn main() {}
