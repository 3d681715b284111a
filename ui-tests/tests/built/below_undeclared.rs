#![allow(unused)]
use otelier::prelude::*;

otelier::span_schema! {
    Load = "app.load" {
        undeclared = deny;
        app.symbol: string required;
        app.rows: int;
        app.order.card: string sensitive;
    }
}

#[derive(SpanAttributes)]
#[attributes(prefix = "shop.order")]
struct Order {
    id: u64,
}

#[trace(Load, app.symbol = "a", app.order = ..order)]
fn load(order: &Order) {}

fn main() {
    load(&Order { id: 1 });
}
