use otelier::SpanAttributes;

#[derive(SpanAttributes)]
#[attributes(prefix = "app.order")]
pub struct Order {
    #[attribute(display)]
    pub raw: Vec<u8>,
}

fn main() {}
