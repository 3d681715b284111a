use otelier::prelude::*;

#[trace(name = "load {app.symbl}", app.symbol = "a")]
fn load(n: u64) -> Result<u64, String> {
    Ok(n)
}

fn main() {
    let _ = load;
}
