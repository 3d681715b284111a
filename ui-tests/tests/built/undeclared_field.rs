use otelier::SpanAttributes;
use otelier::prelude::*;

otelier::span_schema! {
    pub Order = "app.order" {
        app.id: int;
    }
}

#[derive(SpanAttributes)]
#[attributes(prefix = "app")]
struct Parcel {
    id: u64,
    weight: u64,
}

#[trace(Order, ..parcel)]
fn order(parcel: &Parcel) {}

fn main() {
    order(&Parcel { id: 1, weight: 2 });
}
