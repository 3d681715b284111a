use otelier::SpanSchema;
use otelier::prelude::*;

#[derive(SpanSchema)]
#[schema(id = "app.order")]
#[attributes(prefix = "app")]
struct Order {
    id: u64,
    note: Option<String>,
}

#[trace(Order, app.note = "gift")]
fn order() {}

fn main() {}
