#![allow(unused)]

mod groups {
    otelier::attribute_group! {
        Tenant {
            app.tenant: string;
        }
    }
}

otelier::span_schema! {
    pub Order = "app.order" {
        include groups::Tenant;
    }
}

fn main() {}
