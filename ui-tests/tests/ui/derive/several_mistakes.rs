use otelier::SpanAttributes;

#[derive(SpanAttributes)]
#[attributes(prefix = "app.order")]
pub struct Order {
    #[attribute(redcat)]
    pub card: String,
    #[attribute(name = "Id")]
    pub id: u64,
    pub password: String,
}

pub fn used(order: &Order) {
    otelier::Span::start("checkout").set_attributes(order);
}

fn main() {}
