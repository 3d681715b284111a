#![allow(unused)]
use otelier::prelude::*;

#[trace]
trait Store {
    #[trace(name = "load")]
    fn load(&self, id: u64) -> u64;
}

fn main() {}
