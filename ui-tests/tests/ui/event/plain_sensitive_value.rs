#![allow(unused)]
use otelier::prelude::*;

otelier::event_schema! {
    pub Retry = "app.retry" {
        app.url: string sensitive;
    }
}

#[trace]
fn load() {
    event!(Retry, app.url = "http://a.b");
}

fn main() {}
