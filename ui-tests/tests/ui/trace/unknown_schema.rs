#![allow(unused)]
use otelier::prelude::*;

#[trace(NoSuch, app.id = 1)]
fn load() {}

fn main() {}
