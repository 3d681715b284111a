#![allow(unused)]
use otelier::prelude::*;

#[trace(skip)]
fn load() {}

fn main() {}
