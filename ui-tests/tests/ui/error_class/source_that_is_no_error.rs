use otelier::prelude::*;

#[derive(Debug, ErrorClass)]
struct Failure {
    #[source]
    cause: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("failed")
    }
}

fn main() {}
