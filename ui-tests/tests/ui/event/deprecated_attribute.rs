#![allow(unused)]
#![deny(warnings)]
use otelier::prelude::*;

otelier::event_schema! {
    pub Retry = "app.retry" {
        app.nr: int renamed app.attempt;
        app.attempt: int;
    }
}

#[trace]
fn load() {
    event!(Retry, app.nr = 1);
}

fn main() {}
