//! What became of an annotated function, found from the value it returned and never from the type's name.
//!
//! The macros write `(&&&&Probe(&value)).otelier_outcome()`. Method resolution then picks the first impl that fits:
//! a `Result` whose error is an [`ErrorClass`], one whose error is `Display`, any `Result`, any value. Aliases such as
//! `io::Result` need no special care.

use crate::wire::{self, Scratch};
use std::borrow::Cow;
use std::fmt;

/// The index of an `ERROR` item whose error was expected.
pub(super) const EXPECTED: u16 = 1;

/// Says how an error appears on spans.
///
/// Without it, `error.type` is the name of the error's Rust type, which does not tell a time-out from a refusal.
///
/// ```
/// use otelier::ErrorClass;
/// use std::borrow::Cow;
///
/// #[derive(Debug)]
/// enum ExchangeError {
///     Status(u16),
///     NotListed,
/// }
///
/// impl std::fmt::Display for ExchangeError {
///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
///         match self {
///             Self::Status(status) => write!(f, "the exchange answered {status}"),
///             Self::NotListed => write!(f, "the symbol is not listed"),
///         }
///     }
/// }
///
/// impl ErrorClass for ExchangeError {
///     fn error_type(&self) -> Cow<'static, str> {
///         match self {
///             Self::Status(status) => status.to_string().into(),
///             Self::NotListed => "not_listed".into(),
///         }
///     }
///
///     fn is_expected(&self) -> bool {
///         matches!(self, Self::NotListed)
///     }
/// }
/// ```
pub trait ErrorClass: fmt::Display {
    /// The value of `error.type`: one of a small set, so without ids, times or texts of users.
    fn error_type(&self) -> Cow<'static, str>;

    /// Whether the error belongs to normal operation. Its span keeps `error.type` and the exception event, but its
    /// status stays unset. Default: no.
    fn is_expected(&self) -> bool {
        false
    }
}

/// The value an annotated function returned, before it is known what kind of value it is.
#[derive(Debug)]
pub struct Probe<'a, T: ?Sized>(pub &'a T);

/// What is to be recorded of a returned value.
#[must_use]
pub struct Outcome<'a>(Option<Failure<'a>>);

struct Failure<'a> {
    error_type: Cow<'static, str>,
    exception_type: &'static str,
    message: Option<&'a dyn fmt::Display>,
    expected: bool,
}

impl fmt::Debug for Outcome<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Outcome").field(&self.0.as_ref().map(|failure| &failure.error_type)).finish()
    }
}

impl Outcome<'_> {
    /// Nothing to record.
    pub const NONE: Self = Self(None);

    /// Whether there is nothing to record.
    #[inline]
    pub fn is_good(&self) -> bool {
        self.0.is_none()
    }

    /// An error that was told, not returned.
    pub(crate) fn of_error<'a>(error: &'a dyn fmt::Display, exception_type: &'static str) -> Outcome<'a> {
        Outcome(Some(Failure {
            error_type: Cow::Borrowed(exception_type),
            exception_type,
            message: Some(error),
            expected: false,
        }))
    }

    /// Whether the error belongs to normal operation.
    pub(super) fn is_expected(&self) -> bool {
        self.0.as_ref().is_some_and(|failure| failure.expected)
    }

    /// Writes the error, if there is one, to the top of the scratch. Runs the error's `Display`.
    #[cold]
    pub(super) fn write(&self, scratch: &Scratch) {
        self.write_with(self.0.as_ref().and_then(|failure| failure.message), scratch);
    }

    /// The same without what the error says.
    #[cold]
    pub(super) fn write_type(&self, scratch: &Scratch) {
        self.write_with(None, scratch);
    }

    #[inline(always)]
    fn write_with(&self, message: Option<&dyn fmt::Display>, scratch: &Scratch) {
        let Some(failure) = &self.0 else { return };
        let item = scratch.begin(wire::ERROR, if failure.expected { EXPECTED } else { 0 });
        let now = crate::clock::now();
        let [a, b, c] = wire::static_item(failure.exception_type);
        match &failure.error_type {
            Cow::Borrowed(error_type) => {
                let [d, e, f] = wire::static_item(error_type);
                scratch.extend(&[now, d, e, f, a, b, c]);
            }
            Cow::Owned(error_type) => {
                scratch.push(now);
                scratch.str(wire::header(wire::STR, 0, 0), error_type);
                scratch.extend(&[a, b, c]);
            }
        }
        if let Some(message) = message {
            scratch.display(wire::STR, 0, message);
        }
        item.finish_words();
    }
}

macro_rules! outcome {
    ($(#[$doc:meta])* $trait:ident for $probe:ty, $($bounds:tt)*) => {
        outcome!(@ [$(#[$doc])*] $trait for $probe, $($bounds)*);
    };
    (@ [$(#[$doc:meta])*] $trait:ident for $probe:ty, [$($generics:tt)*] |$value:ident| $outcome:expr) => {
        $(#[$doc])*
        pub trait $trait<'a> {
            /// What to record.
            fn otelier_outcome(&self) -> Outcome<'a>;
        }
        impl<'a, $($generics)*> $trait<'a> for $probe {
            #[inline]
            fn otelier_outcome(&self) -> Outcome<'a> {
                let $value: &'a _ = self.0;
                $outcome
            }
        }
    };
}

outcome! {
    /// First choice: a `Result` whose error is an [`ErrorClass`].
    OutcomeErrorClass for &&&Probe<'a, Result<T, E>>, [T, E: ErrorClass]
    |value| Outcome(value.as_ref().err().map(|error| Failure {
        error_type: error.error_type(),
        exception_type: std::any::type_name::<E>(),
        message: Some(error),
        expected: error.is_expected(),
    }))
}
outcome! {
    /// Second choice: a `Result` whose error can be displayed.
    OutcomeDisplay for &&Probe<'a, Result<T, E>>, [T, E: fmt::Display]
    |value| Outcome(value.as_ref().err().map(|error| Failure {
        error_type: Cow::Borrowed(std::any::type_name::<E>()),
        exception_type: std::any::type_name::<E>(),
        message: Some(error),
        expected: false,
    }))
}
outcome! {
    /// Third choice: any `Result`.
    OutcomeResult for &Probe<'a, Result<T, E>>, [T, E]
    |value| Outcome(value.as_ref().err().map(|_| Failure {
        error_type: Cow::Borrowed(std::any::type_name::<E>()),
        exception_type: std::any::type_name::<E>(),
        message: None,
        expected: false,
    }))
}
outcome! {
    /// Everything else.
    OutcomePlain for Probe<'a, T>, [T: ?Sized]
    |_value| Outcome(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Classified;
    impl fmt::Display for Classified {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("classified")
        }
    }
    impl ErrorClass for Classified {
        fn error_type(&self) -> Cow<'static, str> {
            "429".into()
        }
        fn is_expected(&self) -> bool {
            true
        }
    }
    struct Opaque;

    macro_rules! seen {
        ($value:expr) => {
            (&&&&Probe(&$value))
                .otelier_outcome()
                .0
                .map(|failure| (failure.error_type.to_string(), failure.message.is_some(), failure.expected))
        };
    }

    #[test]
    fn the_most_telling_form_of_an_error_is_used() {
        type Alias = Result<(), Classified>;
        let classified: Alias = Err(Classified);
        assert_eq!(seen!(classified), Some(("429".to_owned(), true, true)));
        let displayed: std::io::Result<()> = Err(std::io::Error::other("no"));
        assert_eq!(seen!(displayed), Some(("std::io::error::Error".to_owned(), true, false)));
        let opaque: Result<u8, Opaque> = Err(Opaque);
        let (error_type, message, _) = seen!(opaque).unwrap();
        assert!(error_type.ends_with("Opaque") && !message);
    }

    #[test]
    fn good_results_and_plain_values_record_nothing() {
        assert_eq!(seen!(Ok::<u8, Classified>(3)), None);
        assert_eq!(seen!(7u8), None);
        assert_eq!(seen!(Some("x")), None);
        assert_eq!(seen!(*"unsized"), None);
    }
}
