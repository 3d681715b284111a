#![allow(unused)]

otelier::attribute_group! {
    pub Tenant = "app.tenant" {
        kind = client;
        app.tenant: string;
    }
}

fn main() {}
