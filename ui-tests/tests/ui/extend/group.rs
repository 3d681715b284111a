#![allow(unused)]

otelier::attribute_group! {
    pub Tenant {
        app.tenant: string;
    }
}

otelier::span_schema! {
    pub Order = "app.order" {
        extends Tenant;
    }
}

fn main() {}
