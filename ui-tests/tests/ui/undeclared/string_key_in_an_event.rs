#![allow(unused)]
use otelier::prelude::*;

otelier::event_schema! {
    pub Retry = "app.retry" {
        app.attempt: int;
    }
}

#[trace]
fn load() {
    event!(Retry, "app.extra" = 1);
}

fn main() {}
