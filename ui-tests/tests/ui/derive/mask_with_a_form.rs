use otelier::SpanAttributes;

#[derive(SpanAttributes)]
#[attributes(prefix = "app.order")]
pub struct Order {
    #[attribute(personal, max_length = 8)]
    pub user: String,
}

fn main() {}
