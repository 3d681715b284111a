use otelier::SpanAttributes;

#[derive(SpanAttributes)]
pub struct Order(pub u64);

fn main() {}
