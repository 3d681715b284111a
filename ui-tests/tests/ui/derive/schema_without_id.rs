use otelier::SpanSchema;

#[derive(SpanSchema)]
#[attributes(prefix = "app")]
struct Order {
    id: u64,
}

fn main() {}
