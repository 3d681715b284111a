#![allow(unused)]

otelier::attribute_group! {
    pub Tenant = "app.tenant" {
        constant app.side = "buy";
        app.tenant: string;
    }
}

fn main() {}
