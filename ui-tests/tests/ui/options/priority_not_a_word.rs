use otelier::prelude::*;

#[trace(priority = 3)]
fn load(n: u64) -> Result<u64, String> {
    Ok(n)
}

fn main() {
    let _ = load;
}
