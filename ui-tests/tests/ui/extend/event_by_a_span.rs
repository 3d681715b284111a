#![allow(unused)]

otelier::event_schema! {
    pub Retry = "app.retry" {
        app.attempt: int;
    }
}

otelier::span_schema! {
    pub Order = "app.order" {
        extends Retry;
    }
}

fn main() {}
