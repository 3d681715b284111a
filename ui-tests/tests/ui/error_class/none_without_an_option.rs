fn rows() -> Result<Vec<u8>, std::io::Error> {
    Ok(Vec::new())
}

fn main() {
    // What `none = "…"` writes.
    let value = rows();
    let _ = otelier::__private::none_is(otelier::__private::Outcome::NONE, &value, "not_found");
}
