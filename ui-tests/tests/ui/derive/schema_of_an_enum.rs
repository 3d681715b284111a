use otelier::SpanSchema;

#[derive(SpanSchema)]
#[schema(id = "app.order")]
enum Order {
    Buy,
}

fn main() {}
