use otelier::prelude::*;

#[trace(sample = n > 1)]
fn load(n: u64) -> Result<u64, String> {
    Ok(n)
}

fn main() {
    let _ = load;
}
