fn rows() -> Vec<u8> {
    Vec::new()
}

fn main() {
    // What `err(|error| …)` writes.
    let value = rows();
    let _ = (&&&&otelier::__private::Probe(&value)).otelier_error();
}
