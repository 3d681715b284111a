use otelier::prelude::*;

#[derive(Debug, ErrorClass)]
enum Failure {
    #[error_class(type = statsu)]
    Status { status: u16 },
    #[error_class(type = 1)]
    Code(u16),
    #[error_class(type = not_listed)]
    NotListed,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("failed")
    }
}

fn main() {}
