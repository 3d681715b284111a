use otelier::prelude::*;

#[derive(Debug, ErrorClass)]
enum Failure {
    #[error_class(transparent)]
    Io(std::io::Error, u8),
    #[error_class(transparent)]
    Nothing,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("failed")
    }
}

fn main() {}
