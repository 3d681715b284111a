//! Whether OpenTelemetry's context of a thread is there.
//!
//! OpenTelemetry cannot be asked, and panics if it is not: destructors of a thread's other values may come here after it is
//! gone. A panic there ends the process, and so does one while a panic hook runs, which may come here by logging.

use opentelemetry::Context;
use std::cell::Cell;

/// Ends before OpenTelemetry's context of the thread does, because it begins later.
struct Alive(bool);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0 = false;
    }
}

thread_local! {
    static ALIVE: Alive = Alive(begin());
    static ASKING: Cell<bool> = const { Cell::new(false) };
}

/// Whether the context can be asked. Not to be called where OpenTelemetry may be changing it just now.
pub(crate) fn has_context() -> bool {
    ALIVE.try_with(|alive| alive.0).unwrap_or(false)
}

/// Begins the context, so that it is there for as long as what begins after it; `false` if it is gone.
pub(super) fn begin() -> bool {
    // The panic hook asks again.
    if ASKING.replace(true) {
        return false;
    }
    let is_there = std::panic::catch_unwind(|| Context::map_current(|_| ())).is_ok();
    ASKING.set(false);
    is_there
}
