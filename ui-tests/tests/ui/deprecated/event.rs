#![deny(warnings)]
use otelier::prelude::*;

otelier::event_schema! {
    /// Doc.
    pub Retry = "app.retry" {
        deprecated = "retries are spans now";
        app.attempt: int;
    }
}

#[trace]
pub fn load() {
    event!(Retry, app.attempt = 1);
}

fn main() {}
