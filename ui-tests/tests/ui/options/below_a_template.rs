use otelier::prelude::*;

#[trace(app.n["x"] = ..n)]
fn load(n: u64) -> Result<u64, String> {
    Ok(n)
}

fn main() {
    let _ = load;
}
