//! Every shape of code that can have a span, in one evening of a small shop; the code is in `src/shapes.rs`.

use otelier::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // One of the functions panics on purpose. Its span tells all about it, so nothing else needs to be printed. A hook is
    // set before `init`: otelier reads the text of a panic in a hook of its own, which passes it on to the one before.
    std::panic::set_hook(Box::new(|_| {}));
    let telemetry = otelier::init(Telemetry::default().with_service_name("shapes").with_console(true))?;
    tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(shop::shapes::evening());
    println!("{} spans", telemetry.shutdown()?.started);
    Ok(())
}
