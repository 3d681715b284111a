use otelier::prelude::*;

#[trace(name = "load {app.code}", err(|error| app.code = error.len()))]
fn load(n: u64) -> Result<u64, String> {
    Ok(n)
}

fn main() {
    let _ = load;
}
