#![allow(unused)]
use otelier::prelude::*;

use std::{future::Future, pin::Pin};
#[trace]
fn load() -> Pin<Box<dyn Future<Output = ()>>> {
    let future = async {};
    Box::pin(future)
}

fn main() {}
