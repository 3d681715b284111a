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
    card: String,
}

#[trace(Load, app.symbol = "a")]
fn load(order: &Order) {
    record!(app.order = ..order);
}

fn main() {
    load(&Order { card: String::new() });
}
