#![allow(unused)]
use otelier::prelude::*;

#[trace]
unsafe extern "C" fn print(format: *const u8, ...) {}

fn main() {}
