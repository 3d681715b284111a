use otelier::SpanAttributes;

pub struct Tenant {
    pub id: u64,
}

#[derive(SpanAttributes)]
#[attributes(prefix = "app.order")]
pub struct Order {
    pub tenant: Tenant,
}

fn main() {}
