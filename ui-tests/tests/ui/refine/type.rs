#![allow(unused)]

otelier::attribute_group! {
    pub Tenant {
        app.tenant: string;
    }
}

otelier::span_schema! {
    pub Order = "app.order" {
        include Tenant;
        refine app.tenant: int;
    }
}

fn main() {}
