use otelier::prelude::*;

struct Order;

#[trace(..order)]
fn order(order: &Order) {}

fn main() {}
