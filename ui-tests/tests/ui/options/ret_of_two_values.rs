use otelier::prelude::*;

#[trace(ret(|a, b| app.n = a))]
fn load(n: u64) -> (u64, u64) {
    (n, n)
}

fn main() {
    let _ = load;
}
