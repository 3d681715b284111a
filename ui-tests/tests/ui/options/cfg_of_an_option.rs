use otelier::prelude::*;

#[trace(#[cfg(unix)] root)]
fn load(n: u64) -> Result<u64, String> {
    Ok(n)
}

fn main() {
    let _ = load;
}
