#![allow(unused)]
use otelier::prelude::*;

otelier::event_schema! {
    pub Retry = "app.retry" {
        app.reason: string in ["timeout", "refused"];
    }
}

#[trace]
fn load() {
    event!(Retry, app.reason = "timeot");
}

fn main() {}
