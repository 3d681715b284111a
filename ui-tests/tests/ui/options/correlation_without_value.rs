use otelier::prelude::*;

#[trace_job(correlation)]
fn send_receipt() {}

fn main() {
    send_receipt();
}
