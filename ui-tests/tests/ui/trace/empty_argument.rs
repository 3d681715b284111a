#![allow(unused)]
use otelier::prelude::*;

#[trace(app.id = 1,, app.b = 2)]
fn load() {}

fn main() {}
