#![allow(unused)]
use otelier::prelude::*;

otelier::attribute_group! {
    pub Tenant {
        app.tenant: string;
    }
}

otelier::span_schema! {
    pub Order = "app.order" {
        include Tenant;
        refine app.tenant required;
        app.id: int;
    }
}

#[trace(Order, app.id = 1)]
fn load() {}

fn main() {}
