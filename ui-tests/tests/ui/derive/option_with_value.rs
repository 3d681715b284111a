use otelier::SpanAttributes;

#[derive(SpanAttributes)]
#[attributes(prefix = "app.order")]
pub struct Order {
    #[attribute(skip = true)]
    pub card: String,
}

fn main() {}
