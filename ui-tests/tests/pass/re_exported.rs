//! The crate under another path, in declarations and annotations.
#![deny(warnings)]

mod app {
    pub mod telemetry {
        pub use otelier;
    }
}

mod declared {
    use crate::app::telemetry::otelier::{attribute_group, event_schema, span_schema};

    attribute_group! {
        pub Tenant {
            crate = crate::app::telemetry::otelier;
            app.tenant: string;
            app.market: crate::app::telemetry::otelier::prelude::Market;
        }
    }

    span_schema! {
        pub Base = "app.base" {
            crate = crate::app::telemetry::otelier;
            include Tenant;
            app.db.<key>: string;
            app.db.name: string;
            app.rows: int late unit "{row}";
        }
    }

    span_schema! {
        pub Order = "app.order" {
            crate = crate::app::telemetry::otelier;
            extends Base;
            app.old: string deprecated "gone";
        }
    }

    event_schema! {
        pub Retry = "app.retry" {
            crate = crate::app::telemetry::otelier;
            include Tenant;
            constant app.side = "buy";
        }
    }
}

use app::telemetry::otelier::prelude::*;

#[trace(
    crate::declared::Order,
    crate = crate::app::telemetry::otelier,
    app.tenant = "acme",
    app.market = Market::Kraken,
    app.db.name = "a",
    app.db["x"] = "b",
    late(app.rows)
)]
fn load() {
    record!(app.rows = 1);
    event!(declared::Retry, app.tenant = "acme");
    event!("plain", app.n = 1);
}

fn main() {
    load();
}
