use otelier::prelude::*;

#[trace(parent = "00", root)]
fn load(n: u64) -> Result<u64, String> {
    Ok(n)
}

fn main() {
    let _ = load;
}
