#![allow(unused)]
use otelier::prelude::*;

#[trace]
mod store {
    pub fn load() {}
}

fn main() {}
