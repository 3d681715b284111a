use otelier::prelude::*;

#[trace(app.n = n, #[cfg(unix)])]
fn load(n: u64) -> Result<u64, String> {
    Ok(n)
}

fn main() {
    let _ = load;
}
