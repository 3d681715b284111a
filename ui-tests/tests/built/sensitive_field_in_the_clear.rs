use otelier::SpanAttributes;
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.card: string sensitive;
    }
}

#[derive(SpanAttributes)]
#[attributes(prefix = "app")]
struct Payment {
    card: String,
}

#[trace(Order)]
fn order(payment: &Payment) {
    record!(..payment);
}

fn main() {
    order(&Payment { card: "4711".to_owned() });
}
