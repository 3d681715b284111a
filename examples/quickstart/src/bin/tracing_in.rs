//! A library that speaks to `tracing`, below annotated functions and around them, in one trace.

use otelier::prelude::*;
use otelier::tracing::SpanExt;
use tracing::level_filters::LevelFilter;
use tracing::{debug, info_span, trace, warn};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// What a library does that knows nothing of otelier.
mod driver {
    use super::*;

    pub(super) fn query(statement: &str, decode: impl Fn(usize) -> usize) -> usize {
        let span = info_span!(
            "query",
            otel.name = "SELECT prices",
            otel.kind = "client",
            db.query.text = statement,
            db.response.returned_rows = tracing::field::Empty,
        );
        let rows = span.in_scope(|| {
            trace!("left out by the filter");
            debug!(attempt = 1, "sent");
            decode(7)
        });
        span.record("db.response.returned_rows", rows);
        rows
    }
}

#[trace(app.rows = rows)]
fn decode(rows: usize) -> usize {
    // Recorded on the span of this function.
    warn!(row = 3, "no price");
    rows
}

#[trace(app.symbol = symbol)]
fn load(symbol: &str) -> usize {
    driver::query("SELECT * FROM prices", decode)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let telemetry = otelier::init(Telemetry::default().with_service_name("tracing-in").with_console(true))?;
    let layer = otelier::tracing::layer().with_location(false).with_filter(LevelFilter::DEBUG);
    tracing_subscriber::registry().with(layer).init();

    // As a server does with the headers of a request.
    let request = info_span!("request", app.path = "/prices");
    request.set_parent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")?;
    let rows = request.in_scope(|| load("BTCUSDT"));
    request.set_attribute("app.symbols", ["BTCUSDT"]);
    drop(request);
    println!("{rows} rows, {} spans", telemetry.shutdown()?.started);
    Ok(())
}
