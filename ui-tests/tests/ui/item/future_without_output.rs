#![allow(unused)]
use otelier::prelude::*;

#[trace(future)]
fn load() {}

fn main() {}
