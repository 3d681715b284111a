//! A small shop: its schemas for the `schemas` example, its evening for the `shapes` example.
//!
//! `otelier schema docs --package quickstart` documents the schemas.

pub mod shapes;

use otelier::{AttributeEnum, SpanAttributes};

/// How an order came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, AttributeEnum)]
pub enum Channel {
    /// The web shop.
    Web,
    /// A till.
    Store,
}

otelier::attribute_group! {
    /// For whom the work is done.
    pub Customer = "shop.customer" {
        shop.customer.id: string personal "Number of the customer.";
        shop.customer.tier: string in ["basic", "gold"] "What was agreed with the customer.";
    }
}

otelier::span_schema! {
    /// One checkout.
    pub Checkout = "shop.checkout" {
        kind = server;
        name = "checkout {shop.channel}";
        include Customer;
        include otelier::schema::crypto::DataVolume;
        shop.channel: Channel required "How the order came in.";
        shop.currency: string in ["EUR", "USD"] required "Currency of the order.";
        shop.lines: int unit "{line}" late "Lines of the order.";
        shop.waited: double unit "ms" "How long the customer waited for the till.";
        http.request.header.<key>: string[] opt_in "A header of the request.";
    }
}

otelier::span_schema! {
    /// A checkout of somebody who has an agreement.
    pub GoldCheckout = "shop.checkout.gold" {
        extends Checkout;
        refine shop.customer.tier required;
    }
}

otelier::event_schema! {
    /// The customer paid less than the list price.
    pub Discounted = "shop.discounted" {
        shop.discount: double required unit "%" "Part of the price that was taken off.";
    }
}

/// The customer's record; `..customer` records it.
#[derive(Clone, Debug, SpanAttributes)]
#[attributes(prefix = "shop.customer")]
pub struct CustomerRecord {
    /// Number of the customer.
    #[attribute(personal)]
    pub id: String,
    /// What was agreed.
    pub tier: &'static str,
}
