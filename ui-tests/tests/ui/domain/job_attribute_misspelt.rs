use otelier::prelude::*;

#[trace_job(job.atempt = 2)]
fn send_receipt() {}

fn main() {}
