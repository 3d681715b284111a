use otelier::prelude::*;

#[trace]
fn parse(text: &str) -> Result<u64, std::num::ParseIntError> {
    record!(app.number = text.parse::<u64>()?);
    Ok(1)
}

fn main() {
    let _ = parse("1");
}
