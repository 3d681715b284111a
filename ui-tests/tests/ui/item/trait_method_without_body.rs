#![allow(unused)]
use otelier::prelude::*;

trait Store {
    #[trace]
    fn load(&self, id: u64) -> u64;
}

fn main() {}
