use otelier::prelude::*;

#[derive(Debug, ErrorClass)]
struct Failure {
    #[source]
    // Of types and traits with a place of their own rustc shows it, where their source is installed.
    cause: u32,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("failed")
    }
}

fn main() {}
