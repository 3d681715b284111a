use otelier::SpanAttributes;

#[derive(SpanAttributes)]
#[attributes(namespace = "app.order")]
pub struct Order {
    pub id: u64,
}

fn main() {}
