use otelier::prelude::*;

#[trace(err(|error| app.error = error))]
fn load(n: u64) -> Option<u64> {
    Some(n)
}

fn main() {
    let _ = load;
}
