//! What the encodings of OTLP share: which scopes a batch has, and the flags of spans.

use super::{Batch, Signal};
use crate::record::SpanRecord;
use opentelemetry::InstrumentationScope;

/// The scopes of this signal's records, each once; `None` is our own.
pub(super) fn of(signal: Signal, batch: &Batch) -> Vec<Option<&'static InstrumentationScope>> {
    let mut scopes = Vec::new();
    for record in batch.records() {
        let scope = record.callsite.scope;
        if signal == Signal::Logs && !has_exception(&record) {
            continue;
        }
        if !scopes.iter().any(|known| is_same(*known, scope)) {
            scopes.push(scope);
        }
    }
    scopes
}

/// Whether these are one scope: each is kept in one place. One with a `NaN` in its attributes does not equal itself.
pub(super) fn is_same(one: Option<&InstrumentationScope>, other: Option<&InstrumentationScope>) -> bool {
    one.map(std::ptr::from_ref) == other.map(std::ptr::from_ref)
}

fn has_exception(record: &SpanRecord<'_>) -> bool {
    let mut found = false;
    record.exceptions(|_| found = true);
    found
}

/// In the flags of a span or a link: whether what it points to is remote (0x200), which is known (0x100).
pub(super) fn remoteness(remote: bool) -> u32 {
    if remote { 0x300 } else { 0x100 }
}
