use otelier::SpanSchema;
use std::collections::HashMap;

#[derive(SpanSchema)]
#[schema(id = "app.order")]
#[attributes(prefix = "app")]
struct Order {
    lines: HashMap<String, u64>,
}

fn main() {}
