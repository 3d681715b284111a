//! The span of a child process.

use crate::span::Span;
use opentelemetry::trace::Status;
use std::io;
use std::process::ExitStatus;

/// On a span that ended before it was known what became of the process.
const DETACHED: &str = "otelier.process.detached";

/// The span of a child process that somebody else starts and waits for, such as Tokio; see
/// [`TracedCommand::into_parts`](super::TracedCommand::into_parts).
///
/// It ends by [`exited`](Self::exited) or [`failed`](Self::failed). Dropped before, as in a future that is cancelled, it ends
/// with `otelier.process.detached`: nobody knows what became of the process. That is no error.
#[must_use = "the span ends when it is dropped"]
#[derive(Debug)]
pub struct ProcessSpan {
    /// `None` once it is known what became of the process.
    span: Option<Span>,
}

impl ProcessSpan {
    pub(super) fn new(span: Span) -> Self {
        Self { span: Some(span) }
    }

    /// Says that the process has started, and its number: recorded as `process.pid`.
    pub fn started(&self, pid: impl Into<Option<u32>>) {
        self.set_attribute("process.pid", pid.into());
    }

    /// Records an attribute; of two values the later one counts.
    pub fn set_attribute(&self, key: &str, value: impl crate::attribute::AnyAttribute) {
        if let Some(span) = &self.span {
            span.set_attribute(key, value);
        }
    }

    /// Ends the span of a process that has ended: `process.exit.code`, and unless that is 0 the status "error" and an
    /// `error.type`, see [`TracedCommand`](super::TracedCommand#the-span).
    pub fn exited(mut self, status: ExitStatus) {
        let Some(span) = self.span.take() else { return };
        if let Some(code) = status.code() {
            span.set_attribute("process.exit.code", code);
        }
        if let Some((error_type, description)) = failure(status) {
            span.set_attribute("error.type", error_type);
            span.set_status(Status::error(description));
        }
    }

    /// Ends the span of a process that could not be started or waited for.
    pub fn failed(mut self, error: &io::Error) {
        let Some(span) = self.span.take() else { return };
        span.record_error(error);
        // The type of the error says as much for all of them.
        span.set_attribute("error.type", error_type(error.kind()));
    }
}

impl Drop for ProcessSpan {
    fn drop(&mut self) {
        if let Some(span) = &self.span {
            span.set_attribute(DETACHED, true);
        }
    }
}

/// The `error.type` and the description of a process that did not succeed.
fn failure(status: ExitStatus) -> Option<(String, String)> {
    if status.success() {
        return None;
    }
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        let name = signal_name(signal);
        return Some((name.clone(), format!("killed by {name}")));
    }
    let code = status.code().map_or_else(|| "_OTHER".to_owned(), |code| code.to_string());
    let description = format!("exit code {code}");
    Some((code, description))
}

/// The name of a signal whose number is the same on every system, and else its number.
#[cfg(unix)]
fn signal_name(signal: i32) -> String {
    let name = match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        _ => return format!("signal_{signal}"),
    };
    name.to_owned()
}

/// `not_found` for [`NotFound`](io::ErrorKind::NotFound) and so on.
fn error_type(kind: io::ErrorKind) -> String {
    let name = format!("{kind:?}");
    // What the standard library has no stable name for.
    if matches!(name.as_str(), "Other" | "Uncategorized") {
        return "_OTHER".to_owned();
    }
    let mut words = String::with_capacity(name.len() + 4);
    for char in name.chars() {
        if char.is_ascii_uppercase() && !words.is_empty() {
            words.push('_');
        }
        words.push(char.to_ascii_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_errors_are_words_of_error_types() {
        assert_eq!(error_type(io::ErrorKind::NotFound), "not_found");
        assert_eq!(error_type(io::ErrorKind::PermissionDenied), "permission_denied");
        assert_eq!(error_type(io::ErrorKind::Other), "_OTHER");
        // Too long a list of arguments.
        assert_eq!(error_type(io::ErrorKind::ArgumentListTooLong), "argument_list_too_long");
    }

    #[test]
    #[cfg(unix)]
    fn what_did_not_succeed_says_how() {
        use std::os::unix::process::ExitStatusExt;
        let failure = |raw| failure(ExitStatus::from_raw(raw));
        assert_eq!(failure(0), None);
        assert_eq!(failure(3 << 8), Some(("3".to_owned(), "exit code 3".to_owned())));
        assert_eq!(failure(9), Some(("SIGKILL".to_owned(), "killed by SIGKILL".to_owned())));
        assert_eq!(failure(40), Some(("signal_40".to_owned(), "killed by signal_40".to_owned())));
    }
}
