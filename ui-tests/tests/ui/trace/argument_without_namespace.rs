#![allow(unused)]
use otelier::prelude::*;

#[trace(order = 7)]
fn checkout() {}

fn main() {}
