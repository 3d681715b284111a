#![allow(unused)]
use otelier::prelude::*;

trait Load {
    #[trace]
    fn load(&self);
}

fn main() {}
