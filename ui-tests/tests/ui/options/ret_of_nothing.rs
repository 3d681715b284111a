use otelier::prelude::*;

#[trace(ret(app.n))]
fn load(n: u64) {
    drop(n);
}

fn main() {
    let _ = load;
}
