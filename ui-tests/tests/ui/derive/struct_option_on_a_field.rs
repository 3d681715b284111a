use otelier::SpanAttributes;

#[derive(SpanAttributes)]
#[attributes(prefix = "app.order")]
pub struct Order {
    #[attributes(name = "user.id")]
    pub user: u64,
}

fn main() {}
