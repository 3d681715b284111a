use otelier::prelude::*;

#[trace(ret(app.n))]
fn load(n: u64) -> Row {
    Row(n)
}

struct Row(u64);

fn main() {
    let _ = load;
}
