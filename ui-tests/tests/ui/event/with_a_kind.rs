#![allow(unused)]

otelier::event_schema! {
    pub Retry = "app.retry" {
        kind = client;
        app.attempt: int;
    }
}

fn main() {}
