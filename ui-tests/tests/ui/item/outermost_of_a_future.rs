use otelier::prelude::*;

#[trace(outermost)]
async fn descend(depth: u64) -> u64 {
    depth
}

fn main() {}
