#![allow(unused)]
use otelier::prelude::*;

otelier::event_schema! {
    pub Retry = "app.retry" {
        app.attempt: int required;
    }
}

#[trace]
fn load() {
    event!(Retry, app.attempt =);
}

fn main() {}
