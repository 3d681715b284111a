use otelier::SpanAttributes;

#[derive(SpanAttributes)]
#[attributes(prefix = "app.order.")]
pub struct Order {
    pub id: u64,
}

fn main() {}
