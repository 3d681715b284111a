use otelier::SpanSchema;

#[derive(SpanSchema)]
#[schema(id = "app.order", kind = worker)]
#[attributes(prefix = "app")]
struct Order {
    id: u64,
}

fn main() {}
