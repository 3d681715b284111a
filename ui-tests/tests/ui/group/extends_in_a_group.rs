#![allow(unused)]

otelier::attribute_group! {
    pub Base {
        app.tenant: string;
    }
}

otelier::attribute_group! {
    pub Tenant {
        extends Base;
        app.plan: string;
    }
}

fn main() {}
