#![allow(unused)]
use otelier::prelude::*;

otelier::attribute_group! {
    pub Tenant {
        app.tenant: string required;
    }
}

#[trace(Tenant, app.tenant = "a")]
fn load() {}

fn main() {}
