use otelier::prelude::*;

#[derive(Debug, ErrorClass)]
#[error_class(retriable)]
struct Failure;

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("failed")
    }
}

fn main() {}
