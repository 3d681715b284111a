//! Declarations: keywords as segments, names that are also namespaces, groups, re-exports, schemas in functions.
#![deny(warnings)]

use otelier::attribute::EnumAttribute;
use otelier::prelude::*;

mod app {
    pub use otelier;
}

#[derive(Clone, Copy)]
pub enum Plan {
    Free,
    Paid,
}

impl EnumAttribute for Plan {
    const VALUES: &'static [&'static str] = &["free", "paid"];

    fn value(&self) -> &str {
        Self::VALUES[*self as usize]
    }
}

mod groups {
    otelier::attribute_group! {
        /// What a query does.
        pub Query {
            db.operation: string;
            db.operation.name: string required "Name of the operation.";
        }
    }
}

otelier::attribute_group! {
    pub Tenant {
        app.tenant: string required;
        app.plan: crate::Plan;
    }
}

otelier::span_schema! {
    /// One query.
    pub Load = "app.load" {
        kind = client;
        name = "load {db.operation.name} for {app.tenant}";
        open;
        include groups::Query;
        include crate::Tenant;
        constant app.channel = "web";
        error.type: string;
        app.match.type: string in ["a", "b"];
        app.ratio: double unit "1";
        app.cached: boolean;
        app.api_token: string sensitive "Stands for the caller.";
        app.page_token: string public "No secret.";
    }
}

#[trace(
    Load,
    db.operation = "select",
    db.operation.name = "orders",
    app.tenant = tenant,
    app.plan = Some(Plan::Paid),
    error.type = None::<&str>,
    app.match.type = "a",
    app.ratio = 0.5,
    app.cached = true,
    app.api_token = hash("x"),
    app.page_token = "7",
    "app.extra" = 1
)]
fn load(tenant: &str) {}

#[app::otelier::trace(crate = crate::app::otelier, app.plan = Plan::Free.value())]
fn re_exported() {}

#[app::otelier::trace_stage(crate = app::otelier, crypto.stage_name = "collect")]
async fn re_exported_stage() {}

fn main() {
    otelier::span_schema! {
        pub Local = "app.local" {
            app.id: int required;
        }
    }
    #[trace(Local, app.id = 7u64)]
    fn inner() {}

    load("acme");
    re_exported();
    drop(re_exported_stage());
    inner();
}
