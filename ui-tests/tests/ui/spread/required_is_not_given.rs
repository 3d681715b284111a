use otelier::SpanAttributes;
use otelier::prelude::*;

otelier::span_schema! {
    pub Shipping = "app.shipping" {
        app.id: int required;
    }
}

#[derive(SpanAttributes)]
#[attributes(prefix = "app")]
struct Order {
    id: u64,
}

#[trace(Shipping, ..order)]
fn ship(order: &Order) {}

fn main() {}
