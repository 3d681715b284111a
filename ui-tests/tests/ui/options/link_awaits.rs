use otelier::prelude::*;

#[trace(link = n.await)]
fn load(n: u64) -> Result<u64, String> {
    Ok(n)
}

fn main() {
    let _ = load;
}
