use otelier::prelude::*;

#[trace(ret(|n| app.n = n.parse::<u64>()?))]
fn load(n: String) -> Result<String, std::num::ParseIntError> {
    Ok(n)
}

fn main() {
    let _ = load;
}
