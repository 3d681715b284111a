#![allow(unused)]

otelier::event_schema! {
    pub Retry = "app.retry" {
        name = "retry {app.attempt}";
        app.attempt: int required;
    }
}

fn main() {}
