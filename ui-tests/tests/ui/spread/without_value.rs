use otelier::prelude::*;

#[trace(app.id = 1, ..)]
fn order() {}

fn main() {}
