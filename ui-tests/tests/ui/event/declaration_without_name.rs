#![allow(unused)]

otelier::event_schema! {
    pub Retry {
        app.attempt: int;
    }
}

fn main() {}
