use otelier::SpanAttributes;

#[derive(SpanAttributes)]
pub enum Side {
    Buy,
}

fn main() {}
