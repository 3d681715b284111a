#![allow(unused)]

otelier::span_schema! {
    pub Order = "app.order" {
        name = "order {app.ids}";
        app.ids: int[] required;
    }
}

fn main() {}
