#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        refine server.address required;
        app.id: int;
    }
}

fn main() {}
