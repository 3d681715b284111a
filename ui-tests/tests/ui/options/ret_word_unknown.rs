use otelier::prelude::*;

#[trace(ret(|n| evnt("stored", app.n = n)))]
fn load(n: u64) -> Result<u64, String> {
    Ok(n)
}

fn main() {
    let _ = load;
}
