#![allow(unused)]
use otelier::prelude::*;

otelier::event_schema! {
    pub Retry = "app.retry" {
        app.attempt: int;
    }
}

#[trace(Retry)]
fn load() {}

fn main() {}
