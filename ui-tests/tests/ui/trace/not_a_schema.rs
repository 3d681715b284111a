#![allow(unused)]
use otelier::prelude::*;

struct Order;
#[trace(Order)]
fn load() {}

fn main() {}
