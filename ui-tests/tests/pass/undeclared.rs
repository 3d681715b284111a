//! Attributes that no schema declares, where that is a warning.
#![deny(warnings)]

use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        undeclared = warn;
        app.id: int;
    }
}

otelier::event_schema! {
    pub Retry = "app.retry" {
        undeclared = warn;
        app.attempt: int;
    }
}

#[allow(deprecated)]
#[trace(Order, app.id = 1, "app.extra" = 2)]
fn load() {
    record!("app.more" = 3);
    event!(Retry, app.attempt = 1, "app.extra" = 2);
}

fn main() {
    load();
}
