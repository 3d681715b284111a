use otelier::SpanAttributes;

#[derive(SpanAttributes)]
#[attributes(prefix = "app.order")]
pub struct Order {
    #[attribute]
    pub user: String,
}

fn main() {}
