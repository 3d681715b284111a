#![allow(unused)]

otelier::attribute_group! {
    pub Size {
        app.size: int unit "By";
    }
}

otelier::span_schema! {
    pub Order = "app.order" {
        include Size;
        refine app.size unit "kBy";
    }
}

fn main() {}
