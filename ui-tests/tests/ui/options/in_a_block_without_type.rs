use otelier::prelude::*;

fn main() {
    let n = trace_block!(name = "load", ret(app.n), { 1 });
    assert_eq!(n, 1);
}
