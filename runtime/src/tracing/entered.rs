//! Which spans of `tracing` are entered on a thread.
//!
//! `tracing` says "entered" and "exited" with the number of a span, in any order, for one span more than once, and on
//! several threads at a time. So what undoes an entry cannot be a local variable. Each thread keeps it in a list, and an
//! exit takes the last entry of its span from there, whatever was entered after it: OpenTelemetry's guards may be dropped
//! in any order. Only OpenTelemetry's context is changed, and nothing of the thread's own state, which is made for spans
//! that end in the opposite order of their beginning.

use crate::record::settle;
use opentelemetry::{Context, ContextGuard};
use std::cell::RefCell;

/// OpenTelemetry takes no more contexts on one thread. Who enters spans and never leaves them comes here.
const MOST: usize = 1 << 16;

/// An entry that has not been left.
struct Entry {
    layer: u64,
    span: u64,
    /// Whether the thread was unwinding before.
    panicking: bool,
    guard: ContextGuard,
}

struct Entries(RefCell<Vec<Entry>>);

thread_local! {
    static ENTRIES: Entries = const { Entries(RefCell::new(Vec::new())) };
}

impl Drop for Entries {
    fn drop(&mut self) {
        // The thread ends, and OpenTelemetry's context with it, which may be gone already.
        self.0.get_mut().drain(..).for_each(|entry| std::mem::forget(entry.guard));
    }
}

/// Makes a context current on this thread until [`exit`] is called for the span.
pub(super) fn enter(layer: u64, span: u64, context: Context) {
    let guard = context.attach();
    // Where the list is gone, or full, the guard is dropped, and the context is what it was.
    let _ = ENTRIES.try_with(|entries| {
        if let Ok(mut entries) = entries.0.try_borrow_mut()
            && entries.len() < MOST
        {
            entries.push(Entry { layer, span, panicking: std::thread::panicking(), guard });
        }
    });
}

/// Undoes the last [`enter`] for the span on this thread; does nothing if there is none. Whether a panic leads out of the
/// span: one that went on before it was entered does not.
pub(super) fn exit(layer: u64, span: u64) -> bool {
    let entry = ENTRIES.try_with(|entries| {
        let mut entries = entries.0.try_borrow_mut().ok()?;
        let at = entries.iter().rposition(|entry| entry.layer == layer && entry.span == span)?;
        Some(entries.remove(at))
    });
    let Ok(Some(entry)) = entry else { return false };
    let panicked = !entry.panicking && std::thread::panicking();
    // What lies in the context may run code of the program when it is dropped, and so the list is free again.
    drop(entry);
    // Meanwhile somebody may have recorded on the lazy span that is active again.
    settle();
    panicked
}
