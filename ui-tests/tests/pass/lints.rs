//! What the macros write satisfies the lints that strict projects turn on.
#![forbid(unsafe_code)]
#![deny(
    warnings,
    unused,
    missing_docs,
    missing_debug_implementations,
    missing_copy_implementations,
    unreachable_pub,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    single_use_lifetimes,
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    trivial_casts,
    trivial_numeric_casts,
    unused_lifetimes,
    unused_qualifications,
    unused_results,
    unused_extern_crates,
    unused_import_braces,
    unused_macro_rules,
    unit_bindings,
    variant_size_differences,
    let_underscore_drop,
    absolute_paths_not_starting_with_crate,
    macro_use_extern_crate,
    meta_variable_misuse,
    redundant_lifetimes,
    unnameable_types,
    private_interfaces,
    private_bounds,
    rust_2018_idioms,
    future_incompatible,
    nonstandard_style,
    keyword_idents
)]

use otelier::prelude::*;

otelier::attribute_group! {
    /// Who pays.
    Tenant = "app.tenant" {
        app.tenant: string "Name.";
        app.market: Market;
    }
}

otelier::span_schema! {
    /// Base.
    pub(crate) Base = "app.base" {
        name = "base {app.id}";
        include Tenant;
        constant app.side = "buy";
        app.id: int required;
        app.order: string;
        app.order.line: string;
        app.label.<key>: string;
        app.rows: int late;
    }
}

otelier::span_schema! {
    Order = "app.order" {
        extends Base;
        undeclared = allow;
    }
}

otelier::event_schema! {
    /// Retry.
    Retry = "app.retry" {
        include Tenant;
        app.attempt: int required;
    }
}

/// Something public, with a public schema.
pub mod public {
    otelier::span_schema! {
        /// A public one.
        pub Public = "app.public" {
            app.id: int;
        }
    }
}

#[trace(Order, app.id = 1, app.order = "a", app.order.line = "b", app.label["x"] = "y", late(app.rows), "app.extra" = 1)]
fn load(n: u8) -> Result<u8, String> {
    if n > 3 {
        return Err("too many".to_owned());
    }
    record!(app.rows = n);
    event!(Retry, app.tenant = "acme", app.attempt = 1);
    Ok(n)
}

#[trace(public::Public, app.id = 1)]
async fn later() {}

fn main() {
    assert!(load(1).is_ok());
    drop(later());
}
