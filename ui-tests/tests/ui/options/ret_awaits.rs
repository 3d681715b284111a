use otelier::prelude::*;

#[trace(ret(|n| app.n = later(*n).await))]
async fn load(n: u64) -> u64 {
    n
}

async fn later(n: u64) -> u64 {
    n
}

fn main() {
    let _ = load;
}
