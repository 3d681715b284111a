use otelier::SpanAttributes;
use otelier::prelude::*;

otelier::event_schema! {
    pub Packed = "app.packed" {
        app.id: int;
    }
}

#[derive(SpanAttributes)]
#[attributes(prefix = "app")]
struct Parcel {
    weight: u64,
}

#[trace]
fn order(parcel: &Parcel) {
    event!(Packed, ..parcel);
}

fn main() {
    order(&Parcel { weight: 2 });
}
