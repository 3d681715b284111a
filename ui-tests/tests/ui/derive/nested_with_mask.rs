use otelier::SpanAttributes;

#[derive(SpanAttributes)]
#[attributes(prefix = "app.tenant")]
pub struct Tenant {
    pub id: u64,
}

#[derive(SpanAttributes)]
#[attributes(prefix = "app.order")]
pub struct Order {
    #[attribute(nested, redact)]
    pub tenant: Tenant,
}

fn main() {}
