use otelier::SpanAttributes;

#[derive(SpanAttributes)]
#[attributes(prefix = "app.order")]
pub struct Order {
    #[attribute(personal, secret)]
    pub user: String,
}

fn main() {}
