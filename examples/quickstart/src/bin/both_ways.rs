//! Spans of OpenTelemetry's API, spans of annotations and spans made by hand, in one trace and over three threads.

use otelier::opentelemetry::trace::{TraceContextExt, Tracer};
use otelier::opentelemetry::{Context, KeyValue, global};
use otelier::prelude::*;
use otelier::schema::Kind;
use otelier::{Span, with_current_context};

/// A library that knows nothing of otelier.
fn library(symbol: &'static str) -> usize {
    global::tracer("library").in_span("parse", |context| {
        context.span().set_attribute(KeyValue::new("library.symbol", symbol));
        validate(symbol.len())
    })
}

#[trace(app.rows = rows)]
fn validate(rows: usize) -> usize {
    rows
}

#[trace]
fn load(symbol: &'static str) -> usize {
    library(symbol)
}

#[trace(kind = consumer)]
fn collect() -> usize {
    // What reaches the current span through OpenTelemetry's API is recorded like the rest.
    Context::current().span().set_attribute(KeyValue::new("app.source", "replay"));
    std::thread::scope(|scope| {
        let symbols = ["BTCUSDT", "ETHUSDT"];
        let threads = symbols.map(|symbol| scope.spawn(with_current_context(move || load(symbol))));
        threads.map(|thread| thread.join().unwrap_or_default()).iter().sum()
    })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let telemetry = otelier::init(Telemetry::default().with_service_name("both-ways").with_console(true))?;
    let day = Span::builder("day").kind(Kind::Internal).attribute("app.day", "2026-01-05").start();
    let rows = day.in_scope(collect);
    day.set_attribute("app.rows", rows);
    day.end();
    println!("{rows} rows, {} spans", telemetry.shutdown()?.started);
    Ok(())
}
