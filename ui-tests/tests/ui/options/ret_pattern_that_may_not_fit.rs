use otelier::prelude::*;

#[trace(ret(|Some(n)| app.n = n))]
fn load(n: u64) -> Result<Option<u64>, String> {
    Ok(Some(n))
}

fn main() {
    let _ = load;
}
