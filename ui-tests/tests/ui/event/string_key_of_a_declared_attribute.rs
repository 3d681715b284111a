#![allow(unused)]
use otelier::prelude::*;

otelier::event_schema! {
    pub Retry = "app.retry" {
        open;
        app.attempt: int;
    }
}

#[trace]
fn load() {
    event!(Retry, "app.attempt" = 1);
}

fn main() {}
