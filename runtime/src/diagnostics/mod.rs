//! What Otelier says of itself: that an export failed, that spans were dropped, that a setting has no effect.
//!
//! Each message has a level, an event (`Component.Operation.Reason`) and a text. A message goes to standard error, as one
//! line, unless [`set_sink`] names another place:
//!
//! ```text
//! otelier: warn: Exporter.Export.Timeout: otlp http/protobuf http://localhost:4318/v1/traces: the export took longer than 30s
//! ```
//!
//! * Messages of one event about one subject come at most once a minute; the next one says how many were left out.
//! * Only the pipeline's own threads and the functions that start, reload and end it say something: code that makes spans
//!   never does, and never waits for it. Why a trace was not recorded, which [`LogLevel::Debug`] shows, is put down where it
//!   is decided and said by the pipeline's thread, at most twenty times a second.
//! * What a sink does is not told to the sink again, and a sink that panics loses its message and nothing else.
//! * Messages hold no header values, no tokens, and of URLs no user and no password.
//!
//! ```
//! use otelier::diagnostics::{self, LogLevel};
//! use std::sync::{Arc, Mutex};
//!
//! let said: Arc<Mutex<Vec<String>>> = Arc::default();
//! let sink = Arc::clone(&said);
//! diagnostics::set_sink(move |message| sink.lock().unwrap().push(message.to_string()));
//! let telemetry = otelier::init(otelier::Telemetry::default().with_log_level(LogLevel::Debug))?;
//! telemetry.shutdown()?;
//! diagnostics::reset_sink();
//! assert!(said.lock().unwrap()[0].starts_with("otelier: debug: Pipeline.Start.Done: "));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod level;
mod limiter;
mod scrub;

pub use level::{LogLevel, UnknownLevel};
pub(crate) use limiter::INTERVAL;
pub(crate) use scrub::scrubbed;

use limiter::Limiter;
use std::cell::Cell;
use std::fmt;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU8, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, TryLockError};
use std::time::Instant;

/// One message, as a [sink](set_sink) gets it. Its `Display` is the line that standard error would show, without the line's
/// end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// How grave it is.
    pub level: LogLevel,
    /// What happened, as `Component.Operation.Reason`.
    pub event: &'static str,
    /// The details, as one line.
    pub text: String,
    /// How many messages of this event about the same subject were left out since the one before.
    pub suppressed: u64,
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "otelier: {}: {}: {}", self.level, self.event, self.text)?;
        match self.suppressed {
            0 => Ok(()),
            1 => f.write_str(" (and 1 more like it)"),
            more => write!(f, " (and {more} more like it)"),
        }
    }
}

type Sink = dyn Fn(&Message) + Send + Sync;

static LEVEL: AtomicU8 = AtomicU8::new(LogLevel::Info as u8);
/// Who wants to know when the level is set.
static FOLLOWS: OnceLock<fn()> = OnceLock::new();
static SINK: RwLock<Option<Arc<Sink>>> = RwLock::new(None);
static LIMITER: Mutex<Limiter> = Mutex::new(Limiter::new());

thread_local! {
    /// Set while the thread is in a sink.
    static SPEAKING: Cell<bool> = const { Cell::new(false) };
}

/// Sends messages to this function in place of standard error, for the whole process and every later pipeline.
///
/// It is called on the pipeline's own thread, and on the one that starts, reloads or ends a pipeline. While it runs nothing
/// is exported, so it should be quick; it must not flush, start or end telemetry.
///
/// ```
/// otelier::diagnostics::set_sink(|message| println!("{} {}", message.event, message.text));
/// # otelier::diagnostics::reset_sink();
/// ```
pub fn set_sink(sink: impl Fn(&Message) + Send + Sync + 'static) {
    replace_sink(Some(Arc::new(sink)));
}

/// Sends messages to standard error again.
pub fn reset_sink() {
    replace_sink(None);
}

fn replace_sink(sink: Option<Arc<Sink>>) {
    let before = std::mem::replace(&mut *SINK.write().unwrap_or_else(PoisonError::into_inner), sink);
    // Dropped without the lock: it is the user's code.
    drop(before);
}

/// The least grave level that is said. [`Guard::set_log_level`](crate::Guard::set_log_level) changes
/// it.
pub fn log_level() -> LogLevel {
    LogLevel::from_number(LEVEL.load(Relaxed))
}

pub(crate) fn set_log_level(level: LogLevel) {
    LEVEL.store(level as u8, SeqCst);
    if let Some(follow) = FOLLOWS.get() {
        follow();
    }
}

/// Calls `follow` whenever the level was set, for whoever must not ask each time. The first caller's is taken.
pub(crate) fn on_level(follow: fn()) {
    let _ = FOLLOWS.set(follow);
}

/// Whether messages of this level are said at present.
pub(crate) fn says(level: LogLevel) -> bool {
    level != LogLevel::Off && level as u8 <= LEVEL.load(Relaxed)
}

/// Says something about a subject, unless the event was said of it within the interval. The text is made only if it is
/// said. Whether it was.
pub(crate) fn say(level: LogLevel, event: &'static str, subject: &str, text: impl FnOnce() -> String) -> bool {
    if !says(level) {
        return false;
    }
    let suppressed = match LIMITER.try_lock() {
        Ok(mut limiter) => limiter.admit(event, subject, Instant::now()),
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner().admit(event, subject, Instant::now()),
        // Rather once too often than to wait: in the child of a fork perhaps for ever.
        Err(TryLockError::WouldBlock) => Some(0),
    };
    let Some(suppressed) = suppressed else { return false };
    speak(Message { level, event, text: text(), suppressed });
    true
}

/// Says something that happens once, or that its caller has limited.
pub(crate) fn tell(level: LogLevel, event: &'static str, text: impl FnOnce() -> String) {
    if says(level) {
        speak(Message { level, event, text: text(), suppressed: 0 });
    }
}

fn speak(mut message: Message) {
    message.text = one_line(&scrubbed(&message.text));
    // A thread whose locals are gone says nothing any more.
    if SPEAKING.try_with(|speaking| speaking.replace(true)).unwrap_or(true) {
        return;
    }
    let sink = match SINK.try_read() {
        Ok(sink) => sink.clone(),
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner().clone(),
        Err(TryLockError::WouldBlock) => None,
    };
    // A sink that panics loses the message.
    let _ = catch_unwind(AssertUnwindSafe(|| match &sink {
        Some(sink) => sink(&message),
        // Not `eprintln`, which panics if nobody reads; one call, so that lines of threads do not mix.
        None => _ = std::io::stderr().write_all(format!("{message}\n").as_bytes()),
    }));
    let _ = catch_unwind(AssertUnwindSafe(|| drop(sink)));
    let _ = SPEAKING.try_with(|speaking| speaking.set(false));
}

/// The text without control characters, which a receiver may have put in to fool a terminal.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.trim_end().chars() {
        match c {
            '\n' => line.push_str("; "),
            c if c.is_control() => line.push(char::REPLACEMENT_CHARACTER),
            c => line.push(c),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::{LogLevel, Message, one_line};

    #[test]
    fn a_message_is_one_line_and_says_how_many_were_left_out() {
        let mut message =
            Message { level: LogLevel::Warn, event: "Exporter.Export.Timeout", text: "late".to_owned(), suppressed: 0 };
        assert_eq!(message.to_string(), "otelier: warn: Exporter.Export.Timeout: late");
        message.suppressed = 12;
        assert_eq!(message.to_string(), "otelier: warn: Exporter.Export.Timeout: late (and 12 more like it)");
        assert_eq!(one_line("a\nb\u{1b}[31m\n"), "a; b\u{fffd}[31m");
    }
}
