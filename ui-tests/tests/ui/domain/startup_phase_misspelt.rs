use otelier::prelude::*;

#[trace_startup(load_config, startup.config.source = "file")]
fn read() {}

#[trace_startup(config_laod)]
async fn read_later() {}

fn main() {}
