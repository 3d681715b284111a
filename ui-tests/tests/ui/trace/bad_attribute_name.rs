#![allow(unused)]
use otelier::prelude::*;

#[trace("App.Id" = 1)]
fn load() {}

fn main() {}
