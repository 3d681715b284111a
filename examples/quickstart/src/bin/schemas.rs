//! Annotations that rustc holds against schemas of one's own.

use otelier::prelude::*;
use shop::{Channel, Checkout, CustomerRecord, Discounted, GoldCheckout};
use std::time::Duration;

#[trace(Checkout, shop.channel = Channel::Store, shop.currency = "EUR", shop.waited = waited,
        http.request.header["x-till"] = ["4"], ..customer, late(shop.lines))]
fn checkout(customer: &CustomerRecord, waited: Duration, prices: &[f64]) -> f64 {
    record!(shop.lines = prices.len());
    prices.iter().sum()
}

#[trace(GoldCheckout, shop.channel = Channel::Web, shop.currency = "USD", shop.customer.tier = "gold", late(shop.lines))]
fn gold(prices: &[f64]) -> f64 {
    record!(shop.lines = prices.len());
    event!(Discounted, shop.discount = 10.0);
    prices.iter().sum::<f64>() * 0.9
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let telemetry = otelier::init(Telemetry::default().with_service_name("shop").with_console(true))?;
    let customer = CustomerRecord { id: "4711".to_owned(), tier: "basic" };
    println!("{:.2}", checkout(&customer, Duration::from_micros(2500), &[12.0, 30.0]));
    println!("{:.2}", gold(&[100.0]));
    telemetry.shutdown()?;
    Ok(())
}
