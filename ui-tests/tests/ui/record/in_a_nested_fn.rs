#![allow(unused)]
use otelier::prelude::*;

#[trace]
fn load() {
    fn count() {
        record!("app.rows" = 1);
    }
    count();
}

fn main() {}
