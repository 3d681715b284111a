#![allow(unused)]
use otelier::prelude::*;

#[trace(otelier::schema::cryto::Ingestion, crypto.data_type = DataType::Klines)]
fn load() {}

fn main() {}
