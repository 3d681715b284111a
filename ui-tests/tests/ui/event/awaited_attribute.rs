#![allow(unused)]
use otelier::prelude::*;

#[trace]
async fn ingest() {
    event!("started", app.rows = std::future::ready(1).await);
}

fn main() {}
