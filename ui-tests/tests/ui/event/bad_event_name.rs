#![allow(unused)]

otelier::event_schema! {
    pub Retry = "Retry" {
        app.attempt: int;
    }
}

fn main() {}
