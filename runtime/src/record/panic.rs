//! What a panic says, from the panic hook to the span it ends.
//!
//! ```text
//! panic! ──► hook: what it says, with the innermost open span's id ──► unwinding ──► that span ends: exception event
//!             (then the hook that was there before)                                  spans further out: status only
//! ```
//!
//! The hook runs before anything is unwound, so the innermost open span is the active one. A panic that is caught before
//! its span ends leaves what it said behind; the id tells whom it is for, ids do not come twice, and the first span that a
//! panic ends takes everything away. A panic that `resume_unwind` moves calls no hook, and says nothing.
//!
//! A recorded future that panics inside of a drop, while another panic unwinds, takes away what that one said: a future does
//! not look whether its thread panics already, because that would cost every poll something. The status is right all the same.

use super::guard::enabled;
use super::outcome::LONGEST_STACKTRACE;
use super::shared::keyed;
use super::thread::{self, Thread};
use crate::clock;
use crate::wire::{self, Scratch};
use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::Cell;
use std::fmt;
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Whether messages of panics are recorded.
static WANTED: AtomicBool = AtomicBool::new(false);

/// Whether our hook was put in front of the one before.
static INSTALLED: AtomicBool = AtomicBool::new(false);

/// Says whether what panics say is recorded; puts the hook in its place, once in a process, if it is.
pub(crate) fn set_panic_messages(wanted: bool) {
    WANTED.store(wanted, Relaxed);
    // To change the hook while the thread panics would panic.
    if wanted && !std::thread::panicking() && !INSTALLED.swap(true, Relaxed) {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            note(info);
            before(info);
        }));
    }
}

/// What panics of a thread said that have not ended a span yet.
#[derive(Default)]
pub(super) struct Said(Cell<Vec<Panic>>);

/// The most of them. Only panics inside of each other's unwinding need more than one.
const MOST: usize = 4;

/// What a panic said.
pub(super) struct Panic {
    /// The span it ends first.
    span: u64,
    time: u64,
    message: String,
    /// File and line.
    place: Option<(String, u32)>,
    backtrace: Option<Backtrace>,
}

impl fmt::Debug for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Panic").field("message", &self.message).finish_non_exhaustive()
    }
}

/// Keeps what a panic says for the span it ends. Nothing here may panic, or the process would end.
fn note(info: &PanicHookInfo<'_>) {
    if !WANTED.load(Relaxed) || !enabled() {
        return;
    }
    let Some(thread) = thread::existing() else { return };
    let active = thread.active.get();
    // While the thread is busy, the panic is the allocator's, and the thread's state in pieces.
    if thread.scratch.busy() || !active.mode.is_recording() {
        return;
    }
    // The allocator may be traced.
    thread.scratch.while_busy(|| {
        let mut said = thread.panics.0.take();
        said.retain(|panic| panic.span != active.span);
        if said.len() == MOST {
            said.remove(0);
        }
        let backtrace = Backtrace::capture();
        // As the standard library shows it.
        let payload = info.payload();
        let message = payload.downcast_ref::<&str>().copied();
        let message = message.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let message = message.unwrap_or("Box<dyn Any>");
        said.push(Panic {
            span: active.span,
            time: clock::now(),
            message: wire::cut_to_limit(message).to_owned(),
            place: info.location().map(|place| (wire::cut_to_limit(place.file()).to_owned(), place.line())),
            backtrace: (backtrace.status() == BacktraceStatus::Captured).then_some(backtrace),
        });
        thread.panics.0.set(said);
    });
}

/// What the panic said that ends this span, if it is the first one. Everything else that was said is of panics that were
/// caught.
pub(super) fn take(thread: &Thread, span: u64) -> Option<Panic> {
    let mut said = thread.panics.0.take();
    if said.is_empty() {
        return None;
    }
    let at = said.iter().position(|panic| panic.span == span);
    thread.scratch.while_busy(|| {
        let found = at.map(|at| said.swap_remove(at));
        drop(said);
        found
    })
}

/// Forgets a panic.
pub(super) fn forget(thread: &Thread, panic: Panic) {
    thread.scratch.while_busy(|| drop(panic));
}

impl Panic {
    /// Writes the exception event to the top of the scratch; with `unix`, that is its time.
    pub(super) fn write(&self, scratch: &Scratch, unix: Option<u64>) {
        let event = scratch.begin(wire::NAMED_EVENT, wire::OF_PANIC | if unix.is_some() { wire::UNIX_TIME } else { 0 });
        scratch.push(unix.unwrap_or(self.time));
        scratch.whole_str(wire::header(wire::STR, 0, 0), "exception");
        let text = |key: &str, text: &str| keyed(scratch, key, &mut |slot| slot.str(text));
        text("exception.type", "panic");
        text("exception.message", &self.message);
        if let Some((file, line)) = &self.place {
            text("code.file.path", file);
            keyed(scratch, "code.line.number", &mut |slot| slot.int(i64::from(*line)));
        }
        if let Some(backtrace) = &self.backtrace {
            let item = scratch.begin(wire::KEYED, 0);
            scratch.whole_str(wire::header(wire::STR, 0, 0), "exception.stacktrace");
            // Names of functions are looked up here, by the standard library alone: no code of the user runs but the allocator.
            scratch.while_busy(|| scratch.display_up_to(wire::STR, 0, backtrace, LONGEST_STACKTRACE));
            item.finish_words();
        }
        event.finish_words();
    }
}
