use otelier::SpanAttributes;

#[derive(SpanAttributes)]
#[attributes(prefix = "app.order")]
pub struct Order {
    #[attribute(hash)]
    pub total: f64,
}

fn main() {}
