#![allow(unused)]
use otelier::prelude::*;

#[trace(nmae = "checkout")]
fn checkout() {}

fn main() {}
