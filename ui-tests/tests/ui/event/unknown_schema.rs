#![allow(unused)]
use otelier::prelude::*;

#[trace]
fn load() {
    event!(Retry, app.attempt = 1);
}

fn main() {}
