use otelier::prelude::*;

async fn load() {}

async fn work() {
    trace_block!(name = "load", {
        load().await;
    });
}

fn main() {
    drop(work());
}
