#![allow(unused)]
use otelier::prelude::*;

#[trace(app.id = 1, app.id = 2)]
fn load() {}

fn main() {}
