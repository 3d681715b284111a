//! The smallest program with a trace: two annotated functions, printed as a tree.

use otelier::prelude::*;
use std::num::ParseIntError;

#[trace(app.order.id = id)]
fn accept(id: u64, lines: &[&str]) -> Result<u64, ParseIntError> {
    event!("order_received", app.order.lines = lines.len());
    let mut total = 0;
    for line in lines {
        total += price(line)?;
    }
    record!(app.order.total = total);
    Ok(total)
}

#[trace("app.line" = line)]
fn price(line: &str) -> Result<u64, ParseIntError> {
    line.parse()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let telemetry = otelier::init(Telemetry::default().with_service_name("quickstart").with_console(true))?;
    println!("total {}", accept(7, &["12", "30"])?);
    if let Err(error) = accept(8, &["12", "thirty"]) {
        println!("order 8 was refused: {error}");
    }
    telemetry.shutdown()?;
    Ok(())
}
