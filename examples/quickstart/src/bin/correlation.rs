//! A correlation id from the header of a request to the spans, the log lines and the headers of the next request. The first
//! argument chooses the lines: `text` or `json`.

use otelier::CorrelationContext;
use otelier::correlation::Settings;
use otelier::prelude::*;
use std::collections::HashMap;
use tracing_subscriber::prelude::*;

type Headers = HashMap<String, String>;

/// What a server does: it takes the id of the request, or makes one.
fn handle(request: &Headers) -> Option<Headers> {
    let context = CorrelationContext::from_carrier(request, &Settings::default())?.with_operation("checkout");
    context.in_scope(|| {
        tracing::info!("a request came in");
        let mut next = Headers::new();
        CorrelationContext::current()?.inject(&mut next, &Settings::default());
        // A thread of its own, with the same id.
        otelier::spawn_thread(|| send_receipt("order-42", 2)).join().ok()?;
        Some(next)
    })
}

/// A job goes on with the id of whoever starts it; started by a clock it has one of its own.
#[trace_job(job.id = order)]
fn send_receipt(order: &str, lines: usize) {
    tracing::info!(lines, "sending the receipt of \"{order}\"");
    render();
}

#[trace]
fn render() {
    tracing::warn!("the printer is slow");
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let lines = tracing_subscriber::registry();
    match std::env::args().nth(1).as_deref() {
        Some("json") => lines.with(otelier::logging::json_layer()).init(),
        _ => lines.with(otelier::logging::layer()).init(),
    }
    let telemetry = otelier::init(Telemetry::default().with_service_name("correlation").with_console(true))?;
    let request = Headers::from([("x-correlation-id".to_owned(), "shop-7".to_owned())]);
    let next = handle(&request).unwrap_or_default();
    tracing::info!(id = next.get("x-correlation-id"), "outside");
    telemetry.shutdown()?;
    Ok(())
}
