use otelier::prelude::*;

#[trace_database(db.system.name = "postgresql", db.operation.name = "SELECT")]
fn load() {}

fn main() {}
