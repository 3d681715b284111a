#![allow(unused)]
use otelier::prelude::*;

#[trace("id" = 1)]
fn load() {}

fn main() {}
