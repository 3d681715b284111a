use otelier::SpanSchema;

#[derive(SpanSchema)]
#[schema(id = "app.order", knd = client)]
#[attributes(prefix = "app")]
struct Order {
    id: u64,
}

fn main() {}
