#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        app.id: int recommended_if;
    }
}

fn main() {}
