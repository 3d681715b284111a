#![allow(unused)]
use otelier::prelude::*;

otelier::event_schema! {
    pub Retry = "app.retry" {
        app.attempt: int;
    }
}

#[trace]
fn load() {
    event!(Retry, app.attempt = 1, app.attempt = 2);
}

fn main() {}
