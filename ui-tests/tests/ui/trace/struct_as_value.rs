#![allow(unused)]
use otelier::prelude::*;

struct Order;
#[trace(app.order = order)]
fn accept(order: &Order) {}

fn main() {}
