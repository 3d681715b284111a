use otelier::SpanAttributes;

#[derive(SpanAttributes)]
pub struct Order {
    #[attribute(name = "user.id")]
    pub user: u64,
    pub id: u64,
    pub note: String,
}

fn main() {}
