//! What errors say of themselves.

use super::outcome::Probe;
use std::backtrace::Backtrace;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

#[doc(inline)]
pub use crate::schema::common::{FailureKind as ErrorKind, FailureRecovery as Recovery, FailureSeverity as Severity};

/// Says how an error appears on spans.
///
/// Without it, `error.type` is the name of the error's Rust type, which does not tell a time-out from a refusal. Derive it
/// ([`ErrorClass`](macro@crate::ErrorClass)), or write it:
///
/// ```
/// use otelier::{ErrorClass, ErrorKind};
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
///     fn kind(&self) -> ErrorKind {
///         match self {
///             Self::Status(_) => ErrorKind::Unavailable,
///             Self::NotListed => ErrorKind::NotFound,
///         }
///     }
///
///     fn is_expected(&self) -> bool {
///         matches!(self, Self::NotListed)
///     }
/// }
/// ```
///
/// The methods are called on the thread on which the function ends, once for each error, and only if its span is recorded.
///
/// | method | recorded as | default |
/// |-|-|-|
/// | [`error_type`](Self::error_type) | `error.type` of the span | |
/// | [`kind`](Self::kind) | `failure.kind` of the span, unless it is `Unknown` | `Unknown` |
/// | [`severity`](Self::severity) | `failure.severity` of the span | `None` |
/// | [`recovery`](Self::recovery) | `failure.recovery` of the span | `None` |
/// | [`is_expected`](Self::is_expected) | the status of the span | no |
/// | [`is_retryable`](Self::is_retryable) | `failure.retryable` of the span, if so | no |
/// | [`error_source`](Self::error_source) | `otelier.error.sources` of the exception event | `None` |
/// | [`backtrace`](Self::backtrace) | `exception.stacktrace` of the exception event | `None` |
/// | `Display` | `exception.message`, and the description of the status | |
pub trait ErrorClass: fmt::Display {
    /// The value of `error.type`: one of a small set, so without ids, times or texts of users.
    fn error_type(&self) -> Cow<'static, str>;

    /// What kind of failure it is. Default: unknown, which is not recorded.
    fn kind(&self) -> ErrorKind {
        ErrorKind::Unknown
    }

    /// How bad it is. Default: nothing is said.
    fn severity(&self) -> Option<Severity> {
        None
    }

    /// What is done about it. Default: nothing is said.
    fn recovery(&self) -> Option<Recovery> {
        None
    }

    /// Whether the error belongs to normal operation. Its span keeps `error.type` and the exception event, but its
    /// status stays unset. Default: no.
    fn is_expected(&self) -> bool {
        false
    }

    /// Whether the same operation may succeed when it is tried again. Default: no, which is not recorded.
    fn is_retryable(&self) -> bool {
        false
    }

    /// What caused it. Sources are followed as far as they go, but not beyond 16. Default: [`Error::source`] where the
    /// error implements [`Error`]; otherwise none.
    ///
    /// It has another name than the method of `Error`, so that `error.source()` stays clear where both traits are in scope.
    fn error_source(&self) -> Option<&(dyn Error + 'static)> {
        None
    }

    /// Where the error arose, if that was captured. To write it costs milliseconds, and it is cut after 16,384 characters.
    /// Default: none.
    fn backtrace(&self) -> Option<&Backtrace> {
        None
    }
}

macro_rules! pointers {
    ($($type:ty)*) => { $(
        impl<E: ErrorClass + ?Sized> ErrorClass for $type {
            fn error_type(&self) -> Cow<'static, str> {
                (**self).error_type()
            }
            fn kind(&self) -> ErrorKind {
                (**self).kind()
            }
            fn severity(&self) -> Option<Severity> {
                (**self).severity()
            }
            fn recovery(&self) -> Option<Recovery> {
                (**self).recovery()
            }
            fn is_expected(&self) -> bool {
                (**self).is_expected()
            }
            fn is_retryable(&self) -> bool {
                (**self).is_retryable()
            }
            fn error_source(&self) -> Option<&(dyn Error + 'static)> {
                (**self).error_source()
            }
            fn backtrace(&self) -> Option<&Backtrace> {
                (**self).backtrace()
            }
        }
    )* };
}

pointers! { &E Box<E> Rc<E> Arc<E> }

/// An error inside of another one that says nothing itself; made by the traits below, for the derive.
#[derive(Clone, Copy)]
pub struct InnerError<'a> {
    class: Option<&'a dyn ErrorClass>,
    type_name: &'static str,
    source: Option<&'a (dyn Error + 'static)>,
}

impl fmt::Debug for InnerError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InnerError").field(&self.type_name).finish()
    }
}

impl<'a> InnerError<'a> {
    /// What its class says, or the name of its type.
    pub fn error_type(self) -> Cow<'static, str> {
        self.class.map_or(Cow::Borrowed(self.type_name), ErrorClass::error_type)
    }

    /// See [`ErrorClass::kind`].
    pub fn kind(self) -> ErrorKind {
        self.class.map_or(ErrorKind::Unknown, ErrorClass::kind)
    }

    /// See [`ErrorClass::severity`].
    pub fn severity(self) -> Option<Severity> {
        self.class?.severity()
    }

    /// See [`ErrorClass::recovery`].
    pub fn recovery(self) -> Option<Recovery> {
        self.class?.recovery()
    }

    /// See [`ErrorClass::is_expected`].
    pub fn is_expected(self) -> bool {
        self.class.is_some_and(ErrorClass::is_expected)
    }

    /// See [`ErrorClass::is_retryable`].
    pub fn is_retryable(self) -> bool {
        self.class.is_some_and(ErrorClass::is_retryable)
    }

    /// What its class says, or what [`Error::source`] does.
    pub fn error_source(self) -> Option<&'a (dyn Error + 'static)> {
        self.class.and_then(ErrorClass::error_source).or(self.source)
    }

    /// See [`ErrorClass::backtrace`].
    pub fn backtrace(self) -> Option<&'a Backtrace> {
        self.class?.backtrace()
    }
}

macro_rules! inner {
    ($($(#[$doc:meta])* $trait:ident for $probe:ty, [$($bounds:tt)*] |$error:ident| $class:expr, $source:expr;)*) => { $(
        $(#[$doc])*
        pub trait $trait<'a> {
            /// What the error says.
            fn otelier_inner(&self) -> InnerError<'a>;
        }

        impl<'a, E: $($bounds)*> $trait<'a> for $probe {
            fn otelier_inner(&self) -> InnerError<'a> {
                let $error: &'a E = self.0;
                InnerError { class: $class, type_name: std::any::type_name::<E>(), source: $source }
            }
        }
    )* };
}

inner! {
    /// First choice: an error with a class whose sources are known.
    InnerErrorClassWithSource for &&&&Probe<'a, E>, [ErrorClass + Error] |error| Some(error), error.source();

    /// Second choice: an error with a class.
    InnerErrorClass for &&&Probe<'a, E>, [ErrorClass] |error| Some(error), None;

    /// Third choice: an error of the standard library's kind.
    InnerStdError for &&Probe<'a, E>, [Error] |error| None, error.source();

    /// Fourth choice: a pointer to one.
    InnerPointer for &Probe<'a, E>, [Deref<Target: Error>] |error| None, error.deref().source();

    /// Everything else.
    InnerAnything for Probe<'a, E>, [Sized] |_error| None, None;
}

/// A field marked as the source of an error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an error, so it is no source of one",
    label = "does not implement `std::error::Error`"
)]
pub trait AsSource {
    /// The source.
    fn otelier_source(&self) -> &(dyn Error + 'static);
}

impl<E: Error + 'static> AsSource for E {
    fn otelier_source(&self) -> &(dyn Error + 'static) {
        self
    }
}

macro_rules! sources {
    ($($type:ty)*) => { $(
        impl AsSource for $type {
            fn otelier_source(&self) -> &(dyn Error + 'static) {
                self
            }
        }
    )* };
}

sources! {
    dyn Error
    dyn Error + Send
    dyn Error + Send + Sync
    dyn Error + Send + Sync + std::panic::UnwindSafe
    dyn Error + Send + Sync + std::panic::RefUnwindSafe
    dyn Error + Send + Sync + std::panic::UnwindSafe + std::panic::RefUnwindSafe
}

/// A field that holds a backtrace.
#[diagnostic::on_unimplemented(message = "`{Self}` holds no backtrace", label = "not a `std::backtrace::Backtrace`")]
pub trait AsBacktrace {
    /// The backtrace.
    fn otelier_backtrace(&self) -> Option<&Backtrace>;
}

impl AsBacktrace for Backtrace {
    fn otelier_backtrace(&self) -> Option<&Backtrace> {
        Some(self)
    }
}

impl<T: AsBacktrace> AsBacktrace for Option<T> {
    fn otelier_backtrace(&self) -> Option<&Backtrace> {
        self.as_ref()?.otelier_backtrace()
    }
}

impl<T: AsBacktrace + ?Sized> AsBacktrace for Box<T> {
    fn otelier_backtrace(&self) -> Option<&Backtrace> {
        (**self).otelier_backtrace()
    }
}

impl<T: AsBacktrace + ?Sized> AsBacktrace for Arc<T> {
    fn otelier_backtrace(&self) -> Option<&Backtrace> {
        (**self).otelier_backtrace()
    }
}

/// First choice for a field of a type named `Backtrace`: the one of the standard library.
pub trait BacktraceKnown<'a> {
    /// The backtrace.
    fn otelier_backtrace_if_any(&self) -> Option<&'a Backtrace>;
}

impl<'a, T: AsBacktrace> BacktraceKnown<'a> for &Probe<'a, T> {
    fn otelier_backtrace_if_any(&self) -> Option<&'a Backtrace> {
        self.0.otelier_backtrace()
    }
}

/// Second choice: somebody else's.
pub trait BacktraceOther<'a> {
    /// Nothing.
    fn otelier_backtrace_if_any(&self) -> Option<&'a Backtrace>;
}

impl<'a, T> BacktraceOther<'a> for Probe<'a, T> {
    fn otelier_backtrace_if_any(&self) -> Option<&'a Backtrace> {
        None
    }
}
