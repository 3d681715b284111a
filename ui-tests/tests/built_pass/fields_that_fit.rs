use otelier::SpanAttributes;
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.id: int;
        app.card: string sensitive;
        app.pin: int secret;
    }
}

#[derive(SpanAttributes)]
#[attributes(prefix = "app")]
struct Payment {
    id: u64,
    #[attribute(hash)]
    card: String,
    #[attribute(redact)]
    pin: u64,
}

#[trace(Order, ..payment)]
fn order(payment: &Payment) {}

fn main() {
    order(&Payment { id: 1, card: "4711".to_owned(), pin: 1 });
}
