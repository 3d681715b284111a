use otelier::prelude::*;

#[trace(root, parent = "00")]
fn load(n: u64) -> Result<u64, String> {
    Ok(n)
}

fn main() {
    let _ = load;
}
