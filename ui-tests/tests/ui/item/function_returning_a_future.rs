#![allow(unused)]
use otelier::prelude::*;

use std::{future::Future, pin::Pin};
#[trace]
fn load() -> Pin<Box<dyn Future<Output = ()>>> {
    Box::pin(async {})
}

fn main() {}
