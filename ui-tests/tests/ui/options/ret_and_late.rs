use otelier::prelude::*;

#[trace(late(app.n), ret(app.n))]
fn load(n: u64) -> Result<u64, String> {
    Ok(n)
}

fn main() {
    let _ = load;
}
