#![allow(unused)]

otelier::attribute_group! {
    pub Tenant = "Tenant" {
        app.tenant: string;
    }
}

fn main() {}
