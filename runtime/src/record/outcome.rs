//! What became of an annotated function, found from the value it returned and never from the type's name.
//!
//! The macros write `(&&&&&&&Probe(&value)).otelier_outcome()`. Method resolution then picks the first impl that fits: a
//! value that can hold an error ([`Fallible`]) whose type is an [`ErrorClass`] and a [`std::error::Error`], an `ErrorClass`,
//! an `Error`, a pointer to one (`Box<dyn Error>`, `anyhow::Error`), something `Display`, anything; and at last any value.
//! Aliases such as `io::Result` need no special care.
//!
//! An [`Outcome`] only points at the error. Code of the user (`error_type`, `source`, `Display`) runs when the error is
//! written, and so only if the span is recorded.

use super::error_class::{ErrorClass, ErrorKind, Recovery, Severity};
use crate::wire::{self, Scratch};
use std::backtrace::{Backtrace, BacktraceStatus};
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::ops::{ControlFlow, Deref};
use std::task::Poll;

/// The value an annotated function returned, before it is known what kind of value it is.
#[derive(Debug)]
pub struct Probe<'a, T: ?Sized>(pub &'a T);

/// A value that holds either what a function was called for, or an error.
///
/// `Option` and a plain `ControlFlow::Break` are not: whether they stand for a failure only the function knows.
#[diagnostic::on_unimplemented(
    message = "this function does not return a `Result`, so there is no error to record",
    label = "`{Self}` holds no error",
    note = "errors are looked for in `Result`, also inside of `Poll`, `Option` and `ControlFlow::Break`"
)]
pub trait Fallible {
    /// What the function was called for.
    type Value;
    /// What went wrong.
    type Error;

    /// The error, if there is one.
    fn error(&self) -> Option<&Self::Error>;
    /// The value, if there is one.
    fn value(&self) -> Option<&Self::Value>;
}

impl<T, E> Fallible for Result<T, E> {
    type Value = T;
    type Error = E;

    #[inline]
    fn error(&self) -> Option<&E> {
        self.as_ref().err()
    }

    #[inline]
    fn value(&self) -> Option<&T> {
        self.as_ref().ok()
    }
}

macro_rules! fallible {
    ($([$($generics:ident),*] $type:ty, $value:ty: $error:pat => $e:expr, $good:pat => $v:expr;)*) => { $(
        impl<$($generics),*> Fallible for $type {
            type Value = $value;
            type Error = E;

            #[inline]
            fn error(&self) -> Option<&E> {
                if let $error = self { $e } else { None }
            }

            #[inline]
            fn value(&self) -> Option<&$value> {
                if let $good = self { $v } else { None }
            }
        }
    )* };
}

fallible! {
    [T, E] Poll<Result<T, E>>, T:
        Self::Ready(Err(error)) => Some(error), Self::Ready(Ok(value)) => Some(value);
    [T, E] Poll<Option<Result<T, E>>>, T:
        Self::Ready(Some(Err(error))) => Some(error), Self::Ready(Some(Ok(value))) => Some(value);
    [T, E] Option<Result<T, E>>, T:
        Self::Some(Err(error)) => Some(error), Self::Some(Ok(value)) => Some(value);
    [T, E, C] ControlFlow<Result<T, E>, C>, C:
        Self::Break(Err(error)) => Some(error), Self::Continue(value) => Some(value);
}

/// A value that may be absent, for annotations that say `none = "…"`.
#[diagnostic::on_unimplemented(
    message = "this function does not return an `Option`, so it never returns `None`",
    label = "`{Self}` holds no `Option`",
    note = "`None` is looked for in `Option`, also inside of `Result` and `Poll`"
)]
pub trait MaybeNone {
    /// Whether it is absent.
    fn is_absent(&self) -> bool;
}

impl<T> MaybeNone for Option<T> {
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T: MaybeNone, E> MaybeNone for Result<T, E> {
    fn is_absent(&self) -> bool {
        self.as_ref().is_ok_and(T::is_absent)
    }
}

impl<T: MaybeNone> MaybeNone for Poll<T> {
    fn is_absent(&self) -> bool {
        matches!(self, Self::Ready(value) if value.is_absent())
    }
}

/// The same outcome, but `None` is a failure with this `error.type`. There is no error, so no exception is recorded.
#[inline]
pub fn none_is<'a, T: MaybeNone>(outcome: Outcome<'a>, value: &T, error_type: &'static str) -> Outcome<'a> {
    if outcome.is_good() && value.is_absent() { Outcome(What::Absent(error_type)) } else { outcome }
}

/// What is to be recorded of a returned value.
#[must_use]
pub struct Outcome<'a>(What<'a>);

enum What<'a> {
    Good,
    Failed(&'a dyn Describe),
    Absent(&'static str),
}

/// What is recorded of a failure.
pub(super) struct Failure<'a> {
    error_type: Cow<'static, str>,
    /// Nothing if there is no error, and so no exception.
    exception_type: &'static str,
    message: Option<&'a dyn fmt::Display>,
    class: Class,
    more: Option<More<'a>>,
}

/// What few errors have.
struct More<'a> {
    source: Option<&'a (dyn Error + 'static)>,
    backtrace: Option<&'a Backtrace>,
}

impl<'a> More<'a> {
    #[inline]
    fn of(source: Option<&'a (dyn Error + 'static)>, backtrace: Option<&'a Backtrace>) -> Option<Self> {
        (source.is_some() || backtrace.is_some()).then_some(Self { source, backtrace })
    }
}

/// What an [`ErrorClass`] says beside the type, as the index of an `ERROR` item:
///
/// ```text
/// bit 0     the error was expected       bits 3–5    severity + 1, or 0
/// bit 1     it may be tried again        bits 6–8    recovery + 1, or 0
/// bit 2     there is no exception        bits 9–13   kind + 1, or 0
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Class(pub(super) u16);

impl Class {
    const NONE: Self = Self(0);
    const EXPECTED: u16 = 1;
    const RETRYABLE: u16 = 2;
    const ABSENT: u16 = 4;

    fn of(error: &(impl ErrorClass + ?Sized)) -> Self {
        let kind = match error.kind() {
            ErrorKind::Unknown => 0,
            kind => kind as u16 + 1,
        };
        let severity = error.severity().map_or(0, |severity| severity as u16 + 1);
        let recovery = error.recovery().map_or(0, |recovery| recovery as u16 + 1);
        let flags = if error.is_expected() { Self::EXPECTED } else { 0 }
            | if error.is_retryable() { Self::RETRYABLE } else { 0 };
        Self(flags | severity << 3 | recovery << 6 | kind << 9)
    }

    /// An expected error does not make the span an error.
    pub(super) fn is_expected(self) -> bool {
        self.0 & Self::EXPECTED != 0
    }

    pub(super) fn is_retryable(self) -> bool {
        self.0 & Self::RETRYABLE != 0
    }

    /// Whether nothing was returned where something should have been.
    pub(super) fn is_absent(self) -> bool {
        self.0 & Self::ABSENT != 0
    }

    /// The texts that were said, under the names of their attributes.
    pub(super) fn texts(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        use crate::attribute::EnumAttribute;
        let text = |values: &'static [&'static str], shift: u16, bits: u16| {
            let number = usize::from(self.0 >> shift & bits);
            number.checked_sub(1).and_then(|at| values.get(at)).copied()
        };
        [
            ("failure.kind", text(ErrorKind::VALUES, 9, 31)),
            ("failure.severity", text(Severity::VALUES, 3, 7)),
            ("failure.recovery", text(Recovery::VALUES, 6, 7)),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
    }
}

/// What a part of an `ERROR` item is, behind the two types, which come first: the index in its header.
pub(super) mod part {
    pub(crate) const MESSAGE: u16 = 1;
    pub(crate) const STACKTRACE: u16 = 2;
    pub(crate) const SOURCES: u16 = 3;
}

/// The most sources of an error that are recorded. Sources that lead back to themselves end here, too.
const MOST_SOURCES: usize = 16;

/// The longest stack trace, in characters; of a longer one the start is kept.
pub(super) const LONGEST_STACKTRACE: usize = 16 * 1024;

impl fmt::Debug for Outcome<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error_type = (!self.is_good()).then(|| self.failure().error_type);
        f.debug_tuple("Outcome").field(&error_type).finish()
    }
}

impl<'a> Outcome<'a> {
    /// Nothing to record.
    pub const NONE: Self = Self(What::Good);

    /// Whether there is nothing to record.
    #[inline]
    pub fn is_good(&self) -> bool {
        matches!(self.0, What::Good)
    }

    /// An error that was told, not returned.
    pub(crate) fn of_told(error: &'a Told<'a>) -> Self {
        Self(What::Failed(error))
    }

    /// An error that was told, and says what it is.
    pub(crate) fn of_class<E: ErrorClass>(error: &'a E) -> Self {
        let error: *const AsClass<E> = std::ptr::from_ref(error).cast();
        // SAFETY: the type is a transparent wrapper of the error's, which is borrowed for `'a`.
        Self(What::Failed(unsafe { &*error }))
    }

    /// The value of `error.type`, if it is an error.
    pub(crate) fn error_type(&self) -> Option<String> {
        (!self.is_good()).then(|| self.failure().error_type.to_string())
    }

    /// What it says, for spans that are not ours.
    pub(crate) fn texts(&self) -> Option<Texts> {
        let failure = (!self.is_good()).then(|| self.failure())?;
        Some(Texts {
            is_expected: failure.is_expected(),
            message: failure.message.map(|error| error.to_string()),
            exception_type: failure.exception_type,
            error_type: failure.error_type.into_owned(),
        })
    }

    /// What is to be recorded, if the outcome is not good. Runs code of the user.
    #[inline]
    pub(super) fn failure(&self) -> Failure<'a> {
        // One question where it matters.
        if let What::Failed(error) = self.0 { error.describe() } else { self.absent() }
    }

    #[cold]
    #[inline(never)]
    fn absent(&self) -> Failure<'a> {
        Failure::absent(if let What::Absent(error_type) = self.0 { error_type } else { "" })
    }
}

/// A failure in texts.
pub(crate) struct Texts {
    pub(crate) error_type: String,
    pub(crate) exception_type: &'static str,
    pub(crate) message: Option<String>,
    /// Whether the error belongs to normal operation.
    pub(crate) is_expected: bool,
}

impl Failure<'_> {
    /// Nothing was returned where something should have been.
    fn absent(error_type: &'static str) -> Self {
        Self {
            error_type: Cow::Borrowed(error_type),
            exception_type: "",
            message: None,
            class: Class(Class::ABSENT),
            more: None,
        }
    }

    pub(super) fn is_expected(&self) -> bool {
        self.class.is_expected()
    }

    /// Writes the failure to the top of the scratch. Runs the `Display` of the error and of its sources.
    #[inline(always)]
    pub(super) fn write(&self, scratch: &Scratch) {
        self.write_with(true, scratch);
    }

    /// The same without what the error says.
    #[cold]
    pub(super) fn write_type(&self, scratch: &Scratch) {
        self.write_with(false, scratch);
    }

    #[inline(always)]
    fn write_with(&self, says: bool, scratch: &Scratch) {
        let item = scratch.begin(wire::ERROR, self.class.0);
        let now = crate::clock::now();
        match &self.error_type {
            Cow::Borrowed(error_type) => {
                let [a, b, c] = wire::static_item(self.exception_type);
                let [d, e, f] = wire::static_item(error_type);
                scratch.extend(&[now, d, e, f, a, b, c]);
            }
            Cow::Owned(error_type) => {
                scratch.push(now);
                scratch.str(wire::header(wire::STR, 0, 0), error_type);
                scratch.extend(&wire::static_item(self.exception_type));
            }
        }
        if let Some(message) = self.message.filter(|_| says) {
            scratch.display(wire::STR, part::MESSAGE, message);
        }
        if let Some(more) = self.more.as_ref().filter(|_| says) {
            more.write(scratch);
        }
        item.finish_words();
    }
}

impl More<'_> {
    #[cold]
    #[inline(never)]
    fn write(&self, scratch: &Scratch) {
        if let Some(backtrace) = self.backtrace.filter(|backtrace| backtrace.status() == BacktraceStatus::Captured) {
            scratch.display_up_to(wire::STR, part::STACKTRACE, backtrace, LONGEST_STACKTRACE);
        }
        if self.source.is_some() {
            let list = scratch.begin(wire::LIST, part::SOURCES);
            for source in std::iter::successors(self.source, |&error| error.source()).take(MOST_SOURCES) {
                scratch.display(wire::STR, 0, &source);
            }
            list.finish_words();
        }
    }
}

/// An error of which it is known what it can say.
trait Describe {
    fn describe(&self) -> Failure<'_>;
}

/// An error that was told.
pub(crate) struct Told<'a> {
    pub(crate) error: &'a dyn fmt::Display,
    pub(crate) exception_type: &'static str,
}

impl Describe for Told<'_> {
    fn describe(&self) -> Failure<'_> {
        plain(self.exception_type, Some(self.error), None)
    }
}

/// What is known of an error that has no class.
#[inline]
fn plain<'a>(
    type_name: &'static str,
    message: Option<&'a dyn fmt::Display>,
    source: Option<&'a (dyn Error + 'static)>,
) -> Failure<'a> {
    Failure {
        error_type: Cow::Borrowed(type_name),
        exception_type: type_name,
        message,
        class: Class::NONE,
        more: More::of(source, None),
    }
}

/// What is known of an error with a class.
#[inline]
fn classified<'a, E: ErrorClass>(error: &'a E, source: Option<&'a (dyn Error + 'static)>) -> Failure<'a> {
    Failure {
        error_type: error.error_type(),
        exception_type: std::any::type_name::<E>(),
        message: Some(error),
        class: Class::of(error),
        more: More::of(source, error.backtrace()),
    }
}

macro_rules! outcome {
    ($($(#[$doc:meta])* $trait:ident for $probe:ty, $as:ident [$($bounds:tt)*] |$error:ident| $failure:expr;)*) => { $(
        $(#[$doc])*
        pub trait $trait<'a> {
            /// What to record.
            fn otelier_outcome(&self) -> Outcome<'a>;
        }

        /// An error looked at as the trait of the same name does.
        #[repr(transparent)]
        struct $as<E>(E);

        impl<E: $($bounds)*> Describe for $as<E> {
            fn describe(&self) -> Failure<'_> {
                let $error = &self.0;
                $failure
            }
        }

        impl<'a, F: Fallible> $trait<'a> for $probe
        where
            F::Error: $($bounds)*,
        {
            #[inline]
            fn otelier_outcome(&self) -> Outcome<'a> {
                let value: &'a F = self.0;
                match value.error() {
                    None => Outcome::NONE,
                    Some(error) => {
                        let error: *const $as<F::Error> = std::ptr::from_ref(error).cast();
                        // SAFETY: the type is a transparent wrapper of the error's, which is borrowed for `'a`.
                        Outcome(What::Failed(unsafe { &*error }))
                    }
                }
            }
        }
    )* };
}

outcome! {
    /// First choice: an error with a class whose sources are known.
    OutcomeErrorClassWithSource for &&&&&&Probe<'a, F>, AsClassWithSource [ErrorClass + Error]
    |error| classified(error, error.error_source().or_else(|| Error::source(error)));

    /// Second choice: an error with a class.
    OutcomeErrorClass for &&&&&Probe<'a, F>, AsClass [ErrorClass]
    |error| classified(error, error.error_source());

    /// Third choice: an error of the standard library's kind.
    OutcomeError for &&&&Probe<'a, F>, AsError [Error]
    |error| plain(std::any::type_name::<E>(), Some(error), error.source());

    /// Fourth choice: a pointer to one.
    OutcomePointer for &&&Probe<'a, F>, AsPointer [fmt::Display + Deref<Target: Error>]
    |error| plain(std::any::type_name::<E>(), Some(error), error.deref().source());

    /// Fifth choice: an error that can be displayed.
    OutcomeDisplay for &&Probe<'a, F>, AsDisplay [fmt::Display]
    |error| plain(std::any::type_name::<E>(), Some(error), None);

    /// Sixth choice: any error.
    OutcomeResult for &Probe<'a, F>, AsAnything [Sized]
    |_error| plain(std::any::type_name::<E>(), None, None);
}

/// Everything that cannot fail.
pub trait OutcomePlain<'a> {
    /// What to record.
    fn otelier_outcome(&self) -> Outcome<'a>;
}

impl<'a, T: ?Sized> OutcomePlain<'a> for Probe<'a, T> {
    #[inline]
    fn otelier_outcome(&self) -> Outcome<'a> {
        Outcome::NONE
    }
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
            Some((&&&&&&&Probe(&$value)).otelier_outcome()).filter(|outcome| !outcome.is_good()).map(|outcome| {
                let failure = outcome.failure();
                (failure.error_type.to_string(), failure.message.is_some(), failure.is_expected())
            })
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
    fn errors_are_found_in_what_holds_results() {
        let class = Some(("429".to_owned(), true, true));
        assert_eq!(seen!(Poll::Ready(Err::<u8, _>(Classified))), class);
        assert_eq!(seen!(Poll::Ready(Some(Err::<u8, _>(Classified)))), class);
        assert_eq!(seen!(Some(Err::<u8, _>(Classified))), class);
        assert_eq!(seen!(ControlFlow::<Result<u8, Classified>>::Break(Err(Classified))), class);
        assert_eq!(seen!(ControlFlow::<Result<u8, Classified>>::Continue(())), None);
        assert_eq!(seen!(ControlFlow::<Classified>::Break(Classified)), None);
        assert_eq!(seen!(Poll::<Result<u8, Classified>>::Pending), None);
        assert_eq!(seen!(None::<Result<u8, Classified>>), None);
    }

    #[test]
    fn good_results_and_plain_values_record_nothing() {
        assert_eq!(seen!(Ok::<u8, Classified>(3)), None);
        assert_eq!(seen!(7u8), None);
        assert_eq!(seen!(Some("x")), None);
        assert_eq!(seen!(*"unsized"), None);
    }

    #[test]
    fn a_class_is_read_back_as_it_was_said() {
        struct Says(ErrorKind, Option<Severity>, Option<Recovery>);
        impl fmt::Display for Says {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                Ok(())
            }
        }
        impl ErrorClass for Says {
            fn error_type(&self) -> Cow<'static, str> {
                "says".into()
            }
            fn kind(&self) -> ErrorKind {
                self.0
            }
            fn severity(&self) -> Option<Severity> {
                self.1
            }
            fn recovery(&self) -> Option<Recovery> {
                self.2
            }
        }
        let texts = |says: Says| Class::of(&says).texts().collect::<Vec<_>>();
        assert_eq!(texts(Says(ErrorKind::Unknown, None, None)), []);
        assert_eq!(
            texts(Says(ErrorKind::Internal, Some(Severity::Critical), Some(Recovery::Escalate))),
            [("failure.kind", "internal"), ("failure.severity", "critical"), ("failure.recovery", "escalate")]
        );
        assert_eq!(
            texts(Says(ErrorKind::Validation, Some(Severity::Low), Some(Recovery::Nothing))),
            [("failure.kind", "validation"), ("failure.severity", "low"), ("failure.recovery", "none")]
        );
    }
}
