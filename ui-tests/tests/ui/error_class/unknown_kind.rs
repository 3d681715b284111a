use otelier::prelude::*;

#[derive(Debug, ErrorClass)]
enum Failure {
    #[error_class(kind = rate_limt)]
    TooMany,
    #[error_class(kind = bad)]
    Bad,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("failed")
    }
}

fn main() {}
