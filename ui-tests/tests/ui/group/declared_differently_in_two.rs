#![allow(unused)]

otelier::attribute_group! {
    pub Tenant {
        app.tenant: string;
    }
}

otelier::attribute_group! {
    pub Customer {
        app.tenant: int;
    }
}

otelier::span_schema! {
    pub Order = "app.order" {
        include Tenant;
        include Customer;
    }
}

fn main() {}
