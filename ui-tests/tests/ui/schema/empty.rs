otelier::span_schema! {}

fn main() {}
