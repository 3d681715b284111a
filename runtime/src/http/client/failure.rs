//! What went wrong with a request, as a word of a small set.

use std::error::Error;
use std::fmt;
use std::io::ErrorKind;

/// The error of a service or of a body.
pub(in crate::http) type BoxError = Box<dyn Error + Send + Sync>;

/// Marks services and bodies whose error is a type with [`Error`]; chosen by the compiler.
#[derive(Clone, Copy, Debug)]
pub enum Typed {}

/// Marks services and bodies whose error is a `Box<dyn Error + Send + Sync>`, as behind many tower layers; chosen by the
/// compiler.
#[derive(Clone, Copy, Debug)]
pub enum Boxed {}

/// An error whose causes can be followed. `Kind` is [`Typed`] or [`Boxed`], and found by the compiler.
pub trait AsError<Kind>: 'static {
    /// The error.
    fn as_error(&self) -> &(dyn Error + 'static);
}

impl<E: Error + 'static> AsError<Typed> for E {
    fn as_error(&self) -> &(dyn Error + 'static) {
        self
    }
}

impl AsError<Boxed> for BoxError {
    fn as_error(&self) -> &(dyn Error + 'static) {
        &**self
    }
}

/// How far the causes of an error are followed: errors may lead back to themselves.
const DEEPEST: usize = 16;

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| cause(*error)).take(DEEPEST)
}

fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    // An `io::Error` does not name what it was made of as its source, only the source of that.
    match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

/// `error.type` of an error that came instead of an answer, or of the rest of one: the word of the innermost cause that
/// says something.
pub(in crate::http) fn class_of(error: &(dyn Error + 'static)) -> &'static str {
    chain(error).filter_map(word).last().unwrap_or("_OTHER")
}

fn word(error: &(dyn Error + 'static)) -> Option<&'static str> {
    if let Some(error) = error.downcast_ref::<std::io::Error>() {
        return io(error);
    }
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        return hyper(error);
    }
    if error.is::<tokio::time::error::Elapsed>() {
        return Some("timeout");
    }
    // Types of crates that are not ours to depend on; each has this one text.
    match Fixed::<64>::of(error).as_str() {
        "request timed out" | "operation timed out" | "deadline has elapsed" | "Timeout expired" => Some("timeout"),
        "dns error" => Some("name_not_resolved"),
        text if text.starts_with("invalid peer certificate") => Some("certificate_invalid"),
        text if text.starts_with("failed to lookup address information") => Some("name_not_resolved"),
        "service overloaded" | "load shed" => Some("overloaded"),
        _ => None,
    }
}

fn io(error: &std::io::Error) -> Option<&'static str> {
    Some(match error.kind() {
        ErrorKind::ConnectionRefused => "connection_refused",
        ErrorKind::ConnectionReset => "connection_reset",
        ErrorKind::ConnectionAborted => "connection_aborted",
        ErrorKind::NotConnected | ErrorKind::BrokenPipe => "connection_closed",
        ErrorKind::UnexpectedEof => "connection_closed",
        ErrorKind::TimedOut => "timeout",
        ErrorKind::HostUnreachable => "host_unreachable",
        ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => "network_unreachable",
        ErrorKind::AddrNotAvailable | ErrorKind::AddrInUse => "address_not_available",
        ErrorKind::PermissionDenied => "permission_denied",
        // Text of the C library, which has no kind.
        _ if Fixed::<64>::of(error).as_str().starts_with("failed to lookup address") => "name_not_resolved",
        _ => return None,
    })
}

fn hyper(error: &hyper::Error) -> Option<&'static str> {
    Some(if error.is_timeout() {
        "timeout"
    } else if error.is_incomplete_message() || error.is_closed() {
        "connection_closed"
    } else if error.is_parse() {
        "response_invalid"
    } else if error.is_canceled() {
        "request_canceled"
    } else {
        return None;
    })
}

/// The words that stand behind an error: its innermost cause, for the description of a status. URLs, which may hold what
/// is secret, stand in the outermost error if anywhere, so it is left out where it has a cause; a cause that has one all the
/// same, such as an error of reqwest inside of that of a middleware, is not shown either.
pub(in crate::http) fn description(error: &(dyn Error + 'static)) -> String {
    let cause = chain(error).skip(1).last().map(Fixed::<120>::of);
    match &cause {
        Some(cause) if !has_url(cause.as_str()) => cause.as_str().to_owned(),
        _ => class_of(error).to_owned(),
    }
}

/// Whether there is a URL in a text, or the query of one.
fn has_url(text: &str) -> bool {
    text.contains("://") || text.contains('?') && text.contains('=')
}

/// The start of a text, without memory of its own; errors may display anything, at any length.
struct Fixed<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Fixed<N> {
    fn of(error: &(impl fmt::Display + ?Sized)) -> Self {
        let mut text = Self { bytes: [0; N], len: 0 };
        // It stops at the end of the room; what fits stays.
        let _ = fmt::write(&mut text, format_args!("{error}"));
        text
    }

    fn as_str(&self) -> &str {
        match std::str::from_utf8(&self.bytes[..self.len]) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&self.bytes[..error.valid_up_to()]).unwrap_or_default(),
        }
    }
}

impl<const N: usize> fmt::Write for Fixed<N> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let fits = text.len().min(N - self.len);
        self.bytes[self.len..self.len + fits].copy_from_slice(&text.as_bytes()[..fits]);
        self.len += fits;
        if fits == text.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[derive(Debug)]
    struct Outer(Option<BoxError>);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("error sending request for url (https://u:secret@example.org/?signature=abc)")
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.0.as_deref().map(|error| error as &(dyn Error + 'static))
        }
    }

    #[test]
    fn the_innermost_cause_says_what_it_is_and_the_outermost_text_is_not_shown() {
        let refused = Outer(Some(io::Error::from(ErrorKind::ConnectionRefused).into()));
        assert_eq!(class_of(&refused), "connection_refused");
        assert_eq!(description(&refused), "connection refused");
        let wrapped = io::Error::other(Outer(Some(io::Error::new(ErrorKind::TimedOut, "slow").into())));
        assert_eq!((class_of(&wrapped), description(&wrapped).as_str()), ("timeout", "slow"));
        let unknown = Outer(None);
        assert_eq!((class_of(&unknown), description(&unknown).as_str()), ("_OTHER", "_OTHER"));
        let long = Outer(Some("é".repeat(1000).into()));
        assert_eq!((class_of(&long), description(&long).len()), ("_OTHER", 120));
    }

    #[test]
    fn a_cause_that_has_a_url_is_not_shown() {
        let inside = Outer(Some(Box::new(Outer(None))));
        assert_eq!((class_of(&inside), description(&inside).as_str()), ("_OTHER", "_OTHER"));
        let cut = Outer(Some(format!("{}https://user:5ecret@h", "x".repeat(113)).into()));
        assert!(!description(&cut).contains("user"), "what the cut leaves has nothing of it");
    }

    #[test]
    fn errors_that_cause_themselves_end() {
        #[derive(Debug)]
        struct Itself;
        impl fmt::Display for Itself {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("again")
            }
        }
        impl Error for Itself {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(self)
            }
        }
        assert_eq!((class_of(&Itself), description(&Itself).as_str()), ("_OTHER", "again"));
    }
}
