#![allow(unused)]

otelier::attribute_group! {
    pub Tenant {
        app.tenant: string;
    }
}

otelier::span_schema! {
    pub Order = "app.order" {
        include Tenant;
        app.tenant: string required;
    }
}

fn main() {}
