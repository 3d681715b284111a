//! Which signal carries the exceptions of errors.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// Which signal carries the exceptions of errors: those that annotated functions return, and those told to
/// [`Span::record_error`](crate::Span::record_error).
///
/// OpenTelemetry moves exceptions from span events to log records. Whichever carries them, the span keeps its status and
/// `error.type`. Events that the program records itself, also through OpenTelemetry's API, stay span events.
///
/// A log record has the event name `exception`, the attributes and the time of the span event it stands for, the ids and
/// the flags of its span, and a severity:
///
/// | severity | which error |
/// |-|-|
/// | `DEBUG` (5) | an [expected](crate::ErrorClass::is_expected) one |
/// | `WARN` (13) | one that the caller has to handle: of a client or producer span, or of a span below another one of this process |
/// | `ERROR` (17) | one that nobody is seen to handle: of a server or consumer span, or of the first span of a trace in this process |
///
/// Severity text and body stay empty, because the semantic conventions reserve them. Exceptions go where their spans go:
/// those of traces that are not sampled, or that tail sampling does not keep, are no log records either. The limit for
/// events of a span does not count for the error that a function returns, or for the first one that is told to a span.
///
/// If nothing takes log records, exceptions stay span events, so that they are not lost.
///
/// ```
/// use otelier::config::{ExceptionSignal, Telemetry};
///
/// let settings = Telemetry::default().with_exception_signal(ExceptionSignal::Both);
/// assert_eq!(settings.exception_signal, ExceptionSignal::Both);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExceptionSignal {
    /// Span events named `exception`.
    #[default]
    SpanEvents,
    /// Log records only; `logs` in the environment. Exporters of spans see the status and `error.type`, and no event. The
    /// trees of the console show the same as ever, because they take the message of an error from the status.
    Logs,
    /// Span events and log records, while dashboards and alerts are moved; `logs/dup` in the environment.
    Both,
}

impl ExceptionSignal {
    /// Whether there are log records.
    pub(crate) const fn in_logs(self) -> bool {
        matches!(self, Self::Logs | Self::Both)
    }
}

static SIGNAL: AtomicU8 = AtomicU8::new(ExceptionSignal::SpanEvents as u8);

pub(crate) fn set_exception_signal(signal: ExceptionSignal) {
    SIGNAL.store(signal as u8, Relaxed);
}

/// Whether spans show their exceptions as events.
pub(super) fn on_spans() -> bool {
    SIGNAL.load(Relaxed) != ExceptionSignal::Logs as u8
}

/// Whether exceptions are log records.
pub(super) fn in_logs() -> bool {
    SIGNAL.load(Relaxed) != ExceptionSignal::SpanEvents as u8
}
