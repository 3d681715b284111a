use otelier::prelude::*;

#[trace]
fn order(id: u64) {
    record!(..id);
}

fn main() {}
