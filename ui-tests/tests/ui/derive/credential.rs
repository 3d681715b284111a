use otelier::SpanAttributes;

#[derive(SpanAttributes)]
#[attributes(prefix = "app.order")]
pub struct Order {
    pub id: u64,
    pub api_token: String,
}

fn main() {}
