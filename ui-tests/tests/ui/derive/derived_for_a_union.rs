use otelier::SpanAttributes;

#[derive(SpanAttributes)]
pub union Side {
    pub buy: bool,
}

fn main() {}
