use otelier::prelude::*;

#[derive(ErrorClass)]
union Failure {
    a: u8,
}

fn main() {}
