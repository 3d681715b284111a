use otelier::SpanAttributes;

#[derive(SpanAttributes)]
#[attributes(prefix = "app.order")]
pub struct Order {
    #[allow(non_snake_case)]
    pub userId: u64,
}

fn main() {}
