use otelier::prelude::*;

#[trace_job(correlation = n)]
fn send_receipt(n: u64) -> Result<u64, String> {
    Ok(n)
}

fn main() {
    let _ = send_receipt;
}
