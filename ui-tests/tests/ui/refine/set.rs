#![allow(unused)]

otelier::attribute_group! {
    pub Trade {
        app.side: string;
    }
}

otelier::span_schema! {
    pub Order = "app.order" {
        include Trade;
        refine app.side in ["buy", "sell"];
    }
}

fn main() {}
