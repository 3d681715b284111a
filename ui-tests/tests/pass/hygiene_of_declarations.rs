//! Declarations work where every name they could need means something else.
#![no_implicit_prelude]
#![allow(dead_code, non_camel_case_types, unused)]

mod std {}
mod core {}
mod schema {}
mod attribute {}
struct Option;
struct Some;
struct None;
struct Result;
struct Ok;
struct Err;
struct String;
struct Vec;
struct Copy;
struct Clone;
struct Debug;
struct Schema;
struct EventSchema;
struct AttributeGroup;
struct Kind;
struct Level;
struct Deref;
struct u128;
struct str;
struct bool;
trait Template {}
trait Elements {}

::otelier::attribute_group! {
    /// Shared.
    pub Tenant = "app.tenant" {
        app.tenant: string required;
        app.market: ::otelier::prelude::Market;
    }
}

::otelier::span_schema! {
    /// A span.
    pub Base = "app.base" {
        kind = client;
        name = "base {app.tenant} {app.side}";
        open;
        include Tenant;
        constant app.side = "buy";
        app.order: string;
        app.order.id: int in [1, 2, -3];
        app.ids: int[];
        app.wait: double unit "s";
        app.user: string personal deprecated "old";
        app.label.<key>: string;
        app.rows: int late;
    }
}

::otelier::span_schema! {
    pub Extended = "app.extended" {
        extends Base;
        refine app.order required;
    }
}

::otelier::event_schema! {
    pub Retry = "app.retry" {
        include Tenant;
        constant app.side = "sell";
        app.attempt: int required;
    }
}

mod annotated {
    use ::otelier::prelude::{Market, event, record, trace};

    #[trace(
        super::Extended,
        app.tenant = "acme",
        app.market = Market::Kraken,
        app.order = "a",
        app.order.id = -3,
        app.ids = [1, 2],
        app.label["color"] = "red",
        late(app.rows)
    )]
    pub fn load() {
        record!(app.rows = 7);
        event!(super::Retry, app.tenant = "acme", app.attempt = 1);
    }
}

fn main() {
    annotated::load();
}
