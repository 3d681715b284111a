use otelier::SpanSchema;

#[derive(SpanSchema)]
#[schema(id = "app.order")]
#[attributes(prefix = "app")]
struct Order<T> {
    id: T,
}

fn main() {}
