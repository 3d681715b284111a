//! What generated code calls. Nothing here is meant to be called by hand, and any of it may change in any release.

use crate::attribute::{AnyAttribute, Hashed, SpanAttributes};
pub use crate::attribute::{Below, CutDisplay, CutText, HashedField, Plain, Text};
pub use crate::record::{
    AsBacktrace, AsSource, Begin, Callsite, Constant, Drain, ErrorClass, EventWriter, Fallible, Guard, InnerError,
    Instrumented, MaybeNone, Outcome, Probe, Sample, SpanRef, Verdict, Watch, begin, instrument, instrument_with,
    none_is, span_ref,
};
#[cfg(feature = "registry")]
pub use crate::schema::registry::{CALL_SITES, CallSite, DECLARED, Declared};
use crate::schema::{EventSchema, Schema, check_fields};
pub use crate::span::{future_with, in_span_with, iterator_with, stream_with};
#[cfg(feature = "registry")]
pub use linkme;

/// Enters something into the program's registry.
#[cfg(feature = "registry")]
#[macro_export]
#[doc(hidden)]
macro_rules! __enter {
    ($private:path, $list:ident, $type:ident, $entry:expr) => {
        const _: () = {
            use $private as __otelier_private;
            #[__otelier_private::linkme::distributed_slice(__otelier_private::$list)]
            #[linkme(crate = __otelier_private::linkme)]
            static ENTRY: __otelier_private::$type = $entry;
        };
    };
}

/// Enters nothing: the program has no registry.
#[cfg(not(feature = "registry"))]
#[macro_export]
#[doc(hidden)]
macro_rules! __enter {
    ($($entry:tt)*) => {};
}

pub use crate::__enter as enter;
pub use otelier_macros::__with_group;

/// What annotations of jobs, and those with `correlation`, need.
pub mod correlation {
    pub use crate::correlation::annotated::{Text, TextOptional, TextShown, TextUnknown, begin, of_job};
}

/// What `#[derive(TelemetryConfig)]` needs.
pub mod config {
    pub use crate::config::Node;
    pub use crate::config::describe::{Count, Field, Others, Section, Type, Word};
    pub use crate::config::own::{
        Fixed, Parsed, Range, Reader, Unparsed, as_text, count_keys, count_variables, fits, flattened, has_range,
        has_unit, is_readable, is_section, items_have_variables, keys, sentence, twice, variables, with_unit, within,
    };
}

use std::cell::Cell;
use std::fmt;
use std::thread::LocalKey;

/// What spans take the time from, for `otelier doctor`: `counter`, the processor's, or `system`, the operating system's.
pub fn time_source() -> &'static str {
    crate::clock::source()
}

/// A field of a struct as a value.
#[inline]
pub fn plain<T: Plain>(value: &T) -> &dyn AnyAttribute {
    value.plain()
}

/// The hash of a field, as a value.
pub fn hashed<T: HashedField>(value: &T) -> Hashed {
    value.hashed()
}

/// The text of a variant.
#[inline]
pub fn text<T: Text>(value: &T) -> &str {
    value.text()
}

/// The first characters of a text, as a value.
pub fn cut_text<T: Text>(value: &T, characters: usize) -> CutText<'_> {
    CutText::new(value.text(), characters)
}

/// The first characters of what is displayed, as a value.
pub fn cut_display(value: fmt::Arguments<'_>, characters: usize) -> CutDisplay<'_> {
    CutDisplay::new(value, characters)
}

/// What is in scope where the outcome of an annotated function is found.
pub mod outcome {
    pub use crate::record::{
        OutcomeDisplay, OutcomeError, OutcomeErrorClass, OutcomeErrorClassWithSource, OutcomePlain, OutcomePointer,
        OutcomeResult,
    };
}

/// What is in scope where what a function returned is looked at: `(&&&&Probe(&value)).otelier_returned()` is what it was
/// called for, `Probe(&value).otelier_error()` its error.
pub mod returned {
    pub use crate::record::{Probe, ReturnedFallible, ReturnedItem, ReturnedPlain, ReturnedWrapper};
}

/// What is in scope where a derived error asks another one: `(&&&&&Probe(&error)).otelier_inner()`, and where it looks for
/// what it holds.
pub mod class {
    pub use crate::record::{
        AsBacktrace, AsSource, BacktraceKnown, BacktraceOther, InnerAnything, InnerErrorClass,
        InnerErrorClassWithSource, InnerPointer, InnerStdError,
    };
}

/// Calls `f` once. As a function it makes rustc treat the closure as `FnOnce`, so that a body may give away what it
/// captures and return borrows of its arguments.
#[inline]
pub fn call_once<T>(f: impl FnOnce() -> T) -> T {
    f()
}

/// How often a function runs inside of itself on a thread (`outermost`).
#[derive(Debug, Default)]
pub struct Depth(Cell<u32>);

impl Depth {
    /// Not at all.
    pub const fn new() -> Self {
        Self(Cell::new(0))
    }
}

/// The time during which a function runs that has a [`Depth`].
#[derive(Debug)]
pub struct Inside {
    depth: &'static LocalKey<Depth>,
    outermost: bool,
}

impl Inside {
    /// The function begins.
    pub fn enter(depth: &'static LocalKey<Depth>) -> Self {
        // A thread that is ending has no depth any more, and no spans either.
        let outermost = depth.try_with(|depth| depth.0.replace(depth.0.get() + 1) == 0);
        Self { depth, outermost: outermost.unwrap_or(true) }
    }

    /// Whether the function does not run inside of itself.
    pub fn is_outermost(&self) -> bool {
        self.outermost
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let _ = self.depth.try_with(|depth| depth.0.set(depth.0.get().saturating_sub(1)));
    }
}

/// The outcome of what says nothing of success or failure.
pub fn no_outcome<T>(_: &T) -> Outcome<'_> {
    Outcome::NONE
}

/// Proof that a late attribute was recorded.
#[derive(Clone, Copy, Debug)]
pub struct Recorded;

/// Compiles only where the attribute was recorded on every path.
#[inline]
pub const fn must_be_recorded(_: &Recorded) {}

/// A value that is never made; it gives a type to a block that has no place for one.
#[cold]
pub fn never<T>() -> T {
    unreachable!("generated code does not call this")
}

/// A key that stands without a value.
#[diagnostic::on_unimplemented(message = "this attribute has no value", label = "write `= value` behind the attribute")]
pub trait HasValue {}

/// Refuses a key without a value.
pub fn needs_value<T: HasValue>(_: &T) {}

/// Attributes of a value, which must be as a span's schema declares them.
#[inline(always)]
pub fn spread<S: Schema, T: SpanAttributes + ?Sized>(value: &T) -> &T {
    const { check_fields("span", S::DEF.id, S::DEF.undeclared, S::DEF.attributes, "", T::ATTRIBUTES) };
    value
}

/// Attributes of a value, which must be as an event's schema declares them.
#[inline(always)]
pub fn spread_event<E: EventSchema, T: SpanAttributes + ?Sized>(value: &T) -> &T {
    const { check_fields("event", E::DEF.id, E::DEF.undeclared, E::DEF.attributes, "", T::ATTRIBUTES) };
    value
}

/// The name that the attributes of a value stand below. A type, so that it is known while compiling.
pub trait Prefix {
    /// The name.
    const PREFIX: &'static str;
}

/// Attributes of a value below a name.
#[inline(always)]
pub fn below<P: Prefix, T: SpanAttributes>(value: &T) -> Below<'_> {
    Below::new(P::PREFIX, value)
}

/// Attributes of a value below a name, which must be as a span's schema declares them.
#[inline(always)]
pub fn spread_below<S: Schema, P: Prefix, T: SpanAttributes>(value: &T) -> Below<'_> {
    const { check_fields("span", S::DEF.id, S::DEF.undeclared, S::DEF.attributes, P::PREFIX, T::ATTRIBUTES) };
    Below::new(P::PREFIX, value)
}

/// Attributes of a value below a name, which must be as an event's schema declares them.
#[inline(always)]
pub fn spread_event_below<E: EventSchema, P: Prefix, T: SpanAttributes>(value: &T) -> Below<'_> {
    const { check_fields("event", E::DEF.id, E::DEF.undeclared, E::DEF.attributes, P::PREFIX, T::ATTRIBUTES) };
    Below::new(P::PREFIX, value)
}

/// The key of a template's elements.
#[inline(always)]
pub fn element_of<T: crate::attribute::Elements + crate::attribute::Template>(template: &T) -> &T::Element {
    template.element()
}

/// Records an attribute on the span of the annotated function around it: `record!(crypto.record_count = rows.len());`
///
/// The attribute is checked against the schema like one in the annotation. If the annotation lists it in `late(..)`, every
/// path that does not fail must record it, or the function does not compile. The value is evaluated only if the span is
/// recorded.
///
/// ```
/// use otelier::prelude::*;
///
/// #[trace_ingestion(crypto.data_type = DataType::Klines, late(crypto.record_count))]
/// fn load(rows: &[u8]) -> usize {
///     record!(crypto.record_count = rows.len());
///     rows.len()
/// }
/// # assert_eq!(load(&[1, 2]), 2);
/// ```
///
/// Outside of an annotated function it does not compile:
///
/// ```compile_fail
/// otelier::record!(crypto.record_count = 1);
/// ```
#[macro_export]
#[doc(hidden)]
macro_rules! __record {
    ($($arguments:tt)*) => {
        ::core::compile_error!(
            "`record!` belongs in the body of an annotated function, which has the span to record to"
        )
    };
}

/// Records an event on the span of the annotated function around it: `event!("retry", app.attempt = 2);`
///
/// ```
/// use otelier::prelude::*;
///
/// #[trace]
/// fn collect() {
///     event!("collection_started", app.symbols = 4);
/// }
/// # collect();
/// ```
#[macro_export]
#[doc(hidden)]
macro_rules! __event {
    ($($arguments:tt)*) => {
        ::core::compile_error!("`event!` belongs in the body of an annotated function, which has the span to record to")
    };
}

/// Gives something a span, and records of its value what an annotation would: also the class of an error.
///
/// | | |
/// |-|-|
/// | `in_span!(span, \|span\| ..)` | runs a closure, and gives its value |
/// | `in_span!(span, future = ..)` | a future with a span |
/// | `in_span!(span, iterator = ..)` | an iterator with a span over its items |
/// | `in_span!(span, stream = ..)` | a stream with a span over its items |
///
/// `span` is a name or a [`SpanBuilder`](crate::SpanBuilder). The value passes through.
///
/// ```
/// use otelier::in_span;
///
/// let port = in_span!("parse", |span| {
///     span.set_attribute("app.text", "80");
///     "80".parse::<u16>()
/// });
/// assert_eq!(port, Ok(80));
/// let good = in_span!("parse all", iterator = ["80", "x"].iter().map(|text| text.parse::<u16>())).flatten().count();
/// assert_eq!(good, 1);
/// ```
#[macro_export]
#[doc(hidden)]
macro_rules! __in_span {
    (@outcome $value:ident) => {{
        #[allow(unused_imports)]
        use $crate::__private::outcome::*;
        (&&&&&&&$crate::__private::Probe($value)).otelier_outcome()
    }};
    ($span:expr, future = $future:expr $(,)?) => {
        $crate::__private::future_with($span, $future, |value| $crate::__in_span!(@outcome value))
    };
    ($span:expr, iterator = $iterator:expr $(,)?) => {
        $crate::__private::iterator_with($span, $iterator, |value| $crate::__in_span!(@outcome value))
    };
    ($span:expr, stream = $stream:expr $(,)?) => {
        $crate::__private::stream_with($span, $stream, |value| $crate::__in_span!(@outcome value))
    };
    ($span:expr, $f:expr $(,)?) => {
        $crate::__private::in_span_with($span, $f, |value| $crate::__in_span!(@outcome value))
    };
}

pub use crate::{__event as event, __in_span as in_span, __record as record};

/// For cargo-fuzz, see `fuzz/`.
#[cfg(fuzzing)]
pub fn fuzz_headers(bytes: &[u8]) {
    crate::propagation::fuzz(bytes);
}

/// For cargo-fuzz, see `fuzz/`.
#[cfg(all(fuzzing, feature = "_otlp"))]
pub fn fuzz_buffer(bytes: &[u8]) {
    crate::export::buffer::fuzz(bytes);
}
