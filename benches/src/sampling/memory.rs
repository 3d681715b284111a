//! How much memory open traces take whose spans are held back.

use crate::child::Child;
use crate::live;
use crate::tail::start;
use otelier::Span;
use std::time::Duration;

/// Open at once.
pub(crate) const TRACES: usize = 10_000;

pub(crate) fn child(child: &Child) {
    let telemetry = start(child.tail, child.otlp.as_deref());
    let flush = || telemetry.force_flush(Duration::from_secs(60)).expect("a minute is enough");
    let mut open = Vec::with_capacity(TRACES);
    // What is made once, and kept for later, is there before.
    for _ in 0..2 {
        open.extend((0..TRACES).map(trace));
        flush();
        open.clear();
        flush();
    }
    live::count();
    open.extend((0..TRACES).map(trace));
    flush();
    println!("open {}", live::bytes());
    open.clear();
    flush();
    println!("ended {}", live::bytes());
}

/// A trace of which one span has ended, and the root has not.
fn trace(number: usize) -> Span {
    let root = Span::builder("request").attribute("app.customer", "acme").attribute("app.number", number).start();
    let part = Span::builder("part").parent(root.context()).attribute("app.symbol", "BTC-USDT");
    part.attribute("app.number", number).start().end();
    root
}
