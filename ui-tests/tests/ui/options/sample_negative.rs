use otelier::prelude::*;

#[trace(sample = -0.5)]
fn load(n: u64) -> Result<u64, String> {
    Ok(n)
}

fn main() {
    let _ = load;
}
