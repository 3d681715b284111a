use otelier::prelude::*;

#[trace(priority = hihg)]
fn load(n: u64) -> Result<u64, String> {
    Ok(n)
}

fn main() {
    let _ = load;
}
