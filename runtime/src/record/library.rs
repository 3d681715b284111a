//! Whether a span of somebody else's library may begin on this thread.

use super::guard::enabled;
use super::thread;

/// Whether telemetry is on, and this thread makes spans: those that export never do, nor does one that is ending, and not
/// while a traced allocator works for us further up the call stack, when OpenTelemetry's context must not be looked at.
#[inline]
pub(crate) fn may_begin() -> bool {
    enabled() && thread::current().is_some_and(|thread| !thread.scratch.busy())
}
