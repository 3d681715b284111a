//! Groups in groups, diamonds, extension over two levels and from other modules, refinement.
#![deny(warnings)]

use otelier::attribute::EnumAttribute;
use otelier::prelude::*;

mod plans {
    #[derive(Clone, Copy)]
    pub enum Plan {
        Free,
        Paid,
    }

    impl super::EnumAttribute for Plan {
        const VALUES: &'static [&'static str] = &["free", "paid"];

        fn value(&self) -> &str {
            Self::VALUES[*self as usize]
        }
    }

    pub mod groups {
        otelier::attribute_group! {
            /// Who pays.
            pub Tenant {
                app.tenant: string "Name.";
                app.plan: super::Plan;
            }
        }

        otelier::attribute_group! {
            pub Account {
                include Tenant;
                app.account: string sensitive;
            }
        }

        otelier::attribute_group! {
            pub(crate) Invoice = "app.invoice" {
                include Tenant;
                app.invoice: string;
            }
        }
    }

    pub mod schemas {
        use super::Plan as Renamed;

        otelier::span_schema! {
            pub Base = "app.base" {
                kind = server;
                name = "{app.side} {app.tenant}";
                undeclared = allow;
                constant app.side = "buy";
                include super::groups::Account;
                // The same attributes by another way.
                include super::groups::Invoice;
                include super::groups::Tenant;
                refine app.tenant required "Name of the tenant.";
                app.former_plan: Renamed;
                app.mode: string in ["fast", "slow"];
            }
        }

        otelier::span_schema! {
            pub(crate) Middle = "app.middle" {
                extends Base;
                constant app.side = "sell";
                refine app.former_plan recommended_if "the plan changed";
                app.rows: int unit "{row}";
            }
        }

        otelier::event_schema! {
            pub Changed = "app.changed" {
                constant app.side = "both";
                include super::groups::Tenant;
            }
        }
    }
}

otelier::span_schema! {
    pub(crate) Top = "app.top" {
        extends crate::plans::schemas::Middle;
        kind = client;
        refine app.rows late;
        app.match.fn: int;
    }
}

otelier::event_schema! {
    pub ChangedTwice = "app.changed_twice" {
        extends plans::schemas::Changed;
        app.count: int;
    }
}

// Nobody else uses it.
otelier::span_schema! {
    Private = "app.private" {
        include plans::groups::Tenant;
        app.id: int;
    }
}

#[trace(
    Top,
    app.tenant = "acme",
    app.plan = plans::Plan::Paid,
    app.former_plan = Some(plans::Plan::Free),
    app.account = redact("7"),
    app.invoice = "i",
    app.mode = "slow",
    app.match.fn = 1,
    late(app.rows),
    "app.extra" = 3
)]
fn top() {
    record!(app.rows = 3);
    event!(ChangedTwice, app.tenant = "acme", app.plan = plans::Plan::Free, app.count = 2);
    event!(plans::schemas::Changed, app.tenant = "acme");
}

#[trace(Private, app.tenant = "acme", app.id = 1)]
fn private() {}

fn main() {
    fn inside() {
        otelier::attribute_group! {
            Local {
                app.local: string required;
            }
        }
        otelier::span_schema! {
            Inner = "app.inner" {
                include Local;
            }
        }

        #[trace(Inner, app.local = "x")]
        fn inner() {}
        inner();
    }
    top();
    private();
    inside();
}
