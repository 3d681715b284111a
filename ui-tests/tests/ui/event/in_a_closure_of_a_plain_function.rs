#![allow(unused)]
use otelier::prelude::*;

fn load() {
    let report = |n: u8| event!("loaded", app.n = n);
    report(1);
}

fn main() {}
