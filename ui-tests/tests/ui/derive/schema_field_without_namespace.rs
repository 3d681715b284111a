use otelier::SpanSchema;

#[derive(SpanSchema)]
#[schema(id = "app.order")]
struct Order {
    id: u64,
}

fn main() {}
