use otelier::SpanAttributes;

#[derive(SpanAttributes)]
#[attributes(prefix = "app.order")]
pub struct Order {
    #[attribute(name = "User.Id")]
    pub user: String,
}

fn main() {}
