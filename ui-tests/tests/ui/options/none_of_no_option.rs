use otelier::prelude::*;

#[trace(none = "not_found")]
fn load(n: u64) -> Result<u64, String> {
    Ok(n)
}

fn main() {
    let _ = load;
}
