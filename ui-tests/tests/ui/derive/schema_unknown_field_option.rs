use otelier::SpanSchema;

#[derive(SpanSchema)]
#[schema(id = "app.order")]
#[attributes(prefix = "app")]
struct Order {
    #[attribute(requird)]
    id: u64,
}

fn main() {}
