use otelier::prelude::*;

#[trace(slo = "0ms")]
fn load(n: u64) -> Result<u64, String> {
    Ok(n)
}

fn main() {
    let _ = load;
}
