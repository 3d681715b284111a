use otelier::prelude::*;

#[trace(slo = "5s", slo = "6s")]
fn load(n: u64) -> Result<u64, String> {
    Ok(n)
}

fn main() {
    let _ = load;
}
