use otelier::SpanAttributes;
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        undeclared = allow;
        app.pin: int secret;
    }
}

#[derive(SpanAttributes)]
#[attributes(prefix = "app")]
struct Payment {
    #[attribute(hash)]
    pin: u64,
}

#[trace(Order, ..payment)]
fn order(payment: &Payment) {}

fn main() {
    order(&Payment { pin: 4711 });
}
