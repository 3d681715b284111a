#![allow(unused)]

otelier::attribute_group! {
    pub Tenant = "app.tenant" {
        open;
        app.tenant: string;
    }
}

fn main() {}
