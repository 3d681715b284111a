use otelier::SpanAttributes;

#[derive(SpanAttributes)]
#[attribute(prefix = "app.order")]
pub struct Order {
    pub id: u64,
}

fn main() {}
