use otelier::prelude::*;

#[derive(Debug, ErrorClass)]
struct Failure;

fn main() {}
