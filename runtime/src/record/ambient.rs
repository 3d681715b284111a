//! Attributes that every span below a context has, such as a correlation id.

use super::thread::{self, Mode, Thread};
use opentelemetry::{Context, ContextGuard, KeyValue};
use std::sync::Arc;

/// The attributes. They lie in OpenTelemetry's context, and go wherever that goes: to tasks, threads and spans of others.
#[derive(Clone, Debug)]
pub(crate) struct Ambient(Arc<[KeyValue]>);

impl Ambient {
    /// What `context` gives to the spans below it.
    pub(crate) fn of(context: &Context) -> &[KeyValue] {
        context.get::<Self>().map_or(&[], |ambient| &ambient.0)
    }
}

/// The context with these attributes for every span that begins below it, beside those it gives already; of two values for
/// one key the new one counts.
pub(crate) fn with_ambient(context: &Context, attributes: Vec<KeyValue>) -> Context {
    let is_new = |known: &&KeyValue| attributes.iter().all(|new| new.key != known.key);
    let all = Ambient::of(context).iter().filter(is_new).chain(&attributes).cloned().collect();
    context.with_value(Ambient(all))
}

/// Makes a context current on this thread until the result is dropped, so that spans which begin meanwhile see what it
/// holds.
#[must_use = "the context is current until this is dropped"]
pub(crate) fn enter_ambient(context: Context) -> AmbientGuard {
    let thread = thread::existing().filter(|thread| thread.active.mode.get() == Mode::Recording);
    if let Some(thread) = thread {
        thread.active.mode.set(Mode::RecordingAttached);
    }
    AmbientGuard { thread, _context: context.attach() }
}

/// See [`enter_ambient`].
#[derive(Debug)]
pub(crate) struct AmbientGuard {
    /// The thread, if its spans would be lazy otherwise.
    thread: Option<&'static Thread>,
    _context: ContextGuard,
}

impl Drop for AmbientGuard {
    fn drop(&mut self) {
        if let Some(thread) = self.thread {
            thread.active.mode.set(Mode::Recording);
        }
    }
}
