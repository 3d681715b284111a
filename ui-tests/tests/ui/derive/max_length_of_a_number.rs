use otelier::SpanAttributes;

#[derive(SpanAttributes)]
#[attributes(prefix = "app.order")]
pub struct Order {
    #[attribute(max_length = 3)]
    pub number: u64,
}

fn main() {}
