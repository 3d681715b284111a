#![allow(unused)]
use otelier::prelude::*;

#[trace(otelier::schema::crypto::Ingest, crypto.data_type = DataType::Klines)]
fn load() {}

fn main() {}
