//! What a span says of how its function ended.

use crate::support::{Recorder, one_thread};
use otelier::prelude::*;
use std::borrow::Cow;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

#[derive(Debug)]
enum ExchangeError {
    Status(u16),
    NotListed,
}

impl fmt::Display for ExchangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "the exchange answered {status}"),
            Self::NotListed => write!(f, "not listed"),
        }
    }
}

impl ErrorClass for ExchangeError {
    fn error_type(&self) -> Cow<'static, str> {
        match self {
            Self::Status(status) => status.to_string().into(),
            Self::NotListed => "not_listed".into(),
        }
    }

    fn is_expected(&self) -> bool {
        matches!(self, Self::NotListed)
    }
}

type Answer<T> = Result<T, ExchangeError>;

const EXCEPTION: &str = "guarantees::outcomes::ExchangeError";

#[trace]
fn fails() -> Result<(), ExchangeError> {
    Err(ExchangeError::Status(429))
}

#[trace]
fn is_not_listed() -> Answer<u8> {
    Err(ExchangeError::NotListed)
}

#[trace]
async fn fails_later() -> Answer<u8> {
    tokio::task::yield_now().await;
    Err(ExchangeError::Status(500))
}

#[trace]
fn succeeds() -> Answer<u8> {
    Ok(1)
}

#[test]
fn an_error_class_gives_the_type_the_exception_and_the_status() {
    let recorder = Recorder::start();
    let _ = (fails(), is_not_listed(), succeeds());
    let _ = one_thread().block_on(fails_later());
    recorder.expect(&[
        "fails error.type=429 !the exchange answered 429",
        &format!("  * exception exception.type={EXCEPTION} exception.message=the exchange answered 429"),
        "is_not_listed error.type=not_listed",
        &format!("  * exception exception.type={EXCEPTION} exception.message=not listed"),
        "succeeds",
        "fails_later error.type=500 !the exchange answered 500",
        &format!("  * exception exception.type={EXCEPTION} exception.message=the exchange answered 500"),
    ]);
}

#[trace]
fn by_display() -> std::io::Result<u8> {
    Err(std::io::Error::other("disk full"))
}

#[trace]
fn by_question_mark() -> Result<u8, std::num::ParseIntError> {
    let parsed: u8 = "x".parse()?;
    Ok(parsed)
}

#[trace]
async fn boxed() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    Err("of no type".into())
}

#[test]
fn an_error_that_can_be_displayed_is_named_by_its_type() {
    let recorder = Recorder::start();
    let _ = (by_display(), by_question_mark());
    let _ = one_thread().block_on(boxed());
    recorder.expect(&[
        "by_display error.type=std::io::error::Error !disk full",
        "  * exception exception.type=std::io::error::Error exception.message=disk full",
        "by_question_mark error.type=core::num::error::ParseIntError !invalid digit found in string",
        "  * exception exception.type=core::num::error::ParseIntError exception.message=invalid digit found in string",
        "boxed error.type=alloc::boxed::Box<dyn core::error::Error + core::marker::Send + core::marker::Sync> !of no type",
        "  * exception exception.type=alloc::boxed::Box<dyn core::error::Error + core::marker::Send + core::marker::Sync> \
         exception.message=of no type",
    ]);
}

struct Opaque;

#[trace]
fn opaque() -> Result<(), Opaque> {
    Err(Opaque)
}

#[trace]
fn generic<E>(error: E) -> Result<(), E> {
    Err(error)
}

#[trace]
fn generic_with_display<E: fmt::Display>(error: E) -> Result<(), E> {
    Err(error)
}

#[test]
fn an_opaque_error_has_its_type_and_no_message() {
    let recorder = Recorder::start();
    let _ = (opaque(), generic(7u8), generic_with_display(7u8));
    recorder.expect(&[
        "opaque error.type=guarantees::outcomes::Opaque !",
        "  * exception exception.type=guarantees::outcomes::Opaque",
        "generic error.type=u8 !",
        "  * exception exception.type=u8",
        "generic_with_display error.type=u8 !7",
        "  * exception exception.type=u8 exception.message=7",
    ]);
}

#[trace]
fn returns_early(error: bool) -> Answer<()> {
    if error {
        return Err(ExchangeError::Status(503));
    }
    Ok(())
}

struct Client {
    symbol: String,
}

impl Client {
    #[trace("app.symbol" = &self.symbol)]
    fn check(&self) -> Answer<&str> {
        Ok(&self.symbol)
    }

    #[trace("app.symbol" = &self.symbol)]
    fn rename(&mut self, name: &str) -> &mut Self {
        self.symbol = name.to_owned();
        self
    }

    #[trace("app.symbol" = &self.symbol)]
    async fn fetch(&self) -> Answer<&str> {
        let _ = self.check();
        Err(ExchangeError::Status(418))
    }

    #[trace]
    fn into_symbol(self) -> String {
        self.symbol
    }
}

trait Source {
    fn load(&self) -> Option<u8>;
}

impl Source for Client {
    #[trace(name = "source load", kind = client)]
    fn load(&self) -> Option<u8> {
        None
    }
}

#[test]
fn methods_are_traced_like_functions() {
    let recorder = Recorder::start();
    let mut client = Client { symbol: "BTC".to_owned() };
    assert_eq!(client.rename("ETH").check().ok(), Some("ETH"));
    let _ = one_thread().block_on(client.fetch());
    assert_eq!(client.load(), None);
    assert_eq!(client.into_symbol(), "ETH");
    let _ = (returns_early(true), returns_early(false));
    let error =
        |status| format!("  * exception exception.type={EXCEPTION} exception.message=the exchange answered {status}");
    recorder.expect(&[
        "rename app.symbol=BTC",
        "check app.symbol=ETH",
        "fetch app.symbol=ETH error.type=418 !the exchange answered 418",
        &error(418),
        "  check app.symbol=ETH",
        "source load [client]",
        "into_symbol",
        "returns_early error.type=503 !the exchange answered 503",
        &error(503),
        "returns_early",
    ]);
}

#[test]
fn a_traced_block_looks_at_what_it_returns_if_its_type_is_written() {
    let recorder = Recorder::start();
    let typed = trace_block!(name = "typed", -> Answer<u8> { Err(ExchangeError::Status(400)) });
    let plain = trace_block!(name = "plain", { Err::<u8, _>(ExchangeError::Status(401)) });
    let later = one_thread().block_on(trace_block!(name = "later", -> Answer<u8> async move {
        let value = typed?;
        Ok(value)
    }));
    assert!(plain.is_err() && later.is_err());
    let error = format!("  * exception exception.type={EXCEPTION} exception.message=the exchange answered 400");
    recorder.expect(&[
        "typed error.type=400 !the exchange answered 400",
        &error,
        "plain",
        "later error.type=400 !the exchange answered 400",
        &error,
    ]);
}

#[trace]
fn sets_the_type_itself() -> Answer<()> {
    record!("error.type" = "rate_limited");
    Err(ExchangeError::Status(429))
}

#[trace]
async fn sets_the_type_itself_later() -> Answer<()> {
    record!("error.type" = "rate_limited");
    Err(ExchangeError::Status(429))
}

#[trace("error.type" = "refused")]
fn has_one_type(panics: bool) -> Result<(), std::io::Error> {
    assert!(!panics);
    Err(std::io::Error::other("no"))
}

#[test]
fn an_error_type_that_the_annotation_says_stands_once_and_gives_way_to_a_panic() {
    let recorder = Recorder::start();
    let _ = has_one_type(false);
    let _ = std::panic::catch_unwind(|| has_one_type(true));
    recorder.expect(&[
        "has_one_type error.type=refused !no",
        "  * exception exception.type=std::io::error::Error exception.message=no",
        "has_one_type error.type=panic !panicked",
        "  * exception exception.type=panic exception.message=assertion failed: !panics",
    ]);
}

#[test]
fn an_error_type_that_was_recorded_by_hand_stands_once() {
    let recorder = Recorder::start();
    let _ = sets_the_type_itself();
    let _ = one_thread().block_on(sets_the_type_itself_later());
    let error = format!("  * exception exception.type={EXCEPTION} exception.message=the exchange answered 429");
    recorder.expect(&[
        "sets_the_type_itself error.type=rate_limited !the exchange answered 429",
        &error,
        "sets_the_type_itself_later error.type=rate_limited !the exchange answered 429",
        &error,
    ]);
}

/// An error whose `Display` is traced, or panics.
struct Odd {
    panics: bool,
}

#[trace]
fn formats() {}

impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("half ")?;
        formats();
        assert!(!self.panics, "on purpose");
        f.write_str("and half")
    }
}

#[trace(app.panics = panics)]
fn odd(panics: bool) -> Result<(), Odd> {
    Err(Odd { panics })
}

#[trace(app.panics = panics)]
async fn odd_later(panics: bool) -> Result<(), Odd> {
    tokio::task::yield_now().await;
    Err(Odd { panics })
}

#[test]
fn an_error_may_be_traced_while_it_is_displayed() {
    let recorder = Recorder::start();
    let _ = odd(false);
    let _ = one_thread().block_on(odd_later(false));
    let error = "  * exception exception.type=guarantees::outcomes::Odd exception.message=half and half";
    recorder.expect(&[
        "odd app.panics=false error.type=guarantees::outcomes::Odd !half and half",
        error,
        "  formats",
        "odd_later app.panics=false error.type=guarantees::outcomes::Odd !half and half",
        error,
        "  formats",
    ]);
}

#[test]
fn an_error_that_panics_while_it_is_displayed_is_a_panic() {
    let recorder = Recorder::start();
    assert!(catch_unwind(|| odd(true)).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| one_thread().block_on(odd_later(true)))).is_err());
    formats();
    recorder.expect(&[
        "odd app.panics=true error.type=panic !panicked",
        "  * exception exception.type=panic exception.message=on purpose",
        "  formats",
        "odd_later app.panics=true error.type=panic !panicked",
        "  * exception exception.type=panic exception.message=on purpose",
        "  formats",
        "formats",
    ]);
}

/// An error with everything that there is to say.
#[derive(Debug, ErrorClass)]
#[error_class(severity = high, recovery = retry)]
enum Told {
    #[error_class(type = 0, kind = unavailable, retryable)]
    Status(u16),
    #[error_class(kind = not_found, expected, severity = low)]
    NotListed {
        _symbol: &'static str,
    },
    #[error_class(transparent)]
    Exchange(ExchangeError),
    #[error_class(transparent)]
    Io(std::io::Error),
    #[error_class(kind = unknown, recovery = none)]
    Caused(#[source] Cause),
    ByBox(#[from] Box<dyn std::error::Error + Send + Sync>),
    Perhaps {
        #[source]
        cause: Option<Cause>,
    },
}

#[derive(Debug)]
struct Cause(u32);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cause {}", self.0)
    }
}

static CAUSES: [Cause; 40] = {
    let mut causes = [const { Cause(0) }; 40];
    let mut at = 0;
    while at < 40 {
        causes[at] = Cause(at as u32);
        at += 1;
    }
    causes
};

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // The number 39 leads back to the first.
        let next = if self.0 == 99 { return None } else { (self.0 as usize + 1) % CAUSES.len() };
        Some(&CAUSES[next])
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("told")
    }
}

#[trace]
fn tells(error: Told) -> Result<(), Told> {
    Err(error)
}

#[trace]
async fn tells_later(error: Told) -> Result<(), Told> {
    Err(error)
}

#[test]
fn what_an_error_says_of_itself_stands_beside_its_type() {
    let recorder = Recorder::start();
    let _ = tells(Told::Status(503));
    let _ = one_thread().block_on(tells_later(Told::NotListed { _symbol: "BTC" }));
    let _ = tells(Told::Exchange(ExchangeError::NotListed));
    let _ = tells(Told::Io(std::io::Error::other("disk")));
    let _ = tells(Told::Perhaps { cause: None });
    let exception = "  * exception exception.type=guarantees::outcomes::Told exception.message=told";
    recorder.expect(&[
        "tells error.type=503 failure.kind=unavailable failure.severity=high failure.recovery=retry \
         failure.retryable=true !told",
        exception,
        "tells_later error.type=not_listed failure.kind=not_found failure.severity=low failure.recovery=retry",
        exception,
        "tells error.type=not_listed",
        exception,
        "tells error.type=std::io::error::Error !told",
        exception,
        "tells error.type=perhaps failure.severity=high failure.recovery=retry !told",
        exception,
    ]);
}

#[trace(failure.severity = "critical")]
fn says_more_exactly() -> Result<(), Told> {
    record!(failure.kind = "network");
    record!(failure.retryable = false);
    Err(Told::Status(500))
}

#[test]
fn what_was_recorded_by_hand_wins_over_what_the_error_says() {
    let recorder = Recorder::start();
    let _ = says_more_exactly();
    recorder.expect(&[
        "says_more_exactly failure.severity=critical failure.kind=network failure.retryable=false error.type=500 \
         failure.recovery=retry !told",
        "  * exception exception.type=guarantees::outcomes::Told exception.message=told",
    ]);
}

#[trace]
fn has_sources(error: Cause) -> Result<(), Cause> {
    Err(error)
}

#[trace]
fn has_sources_in_a_box(error: Cause) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    Err(error.into())
}

#[trace]
async fn has_sources_in_a_plain_box(error: Cause) -> Result<(), Box<dyn std::error::Error>> {
    Err(error.into())
}

fn sources(span: &opentelemetry_sdk::trace::SpanData) -> Vec<String> {
    let event = &span.events.events[0];
    let attribute = event.attributes.iter().find(|attribute| attribute.key.as_str() == "otelier.error.sources");
    match attribute.map(|attribute| &attribute.value) {
        None => Vec::new(),
        Some(opentelemetry::Value::Array(opentelemetry::Array::String(texts))) => {
            texts.iter().map(|text| text.as_str().to_owned()).collect()
        }
        Some(other) => panic!("{other:?}"),
    }
}

#[test]
fn sources_are_recorded_from_the_nearest_to_the_sixteenth_and_a_cycle_ends_there() {
    let recorder = Recorder::start();
    let _ = has_sources(Cause(30));
    let _ = has_sources_in_a_box(Cause(0));
    let _ = one_thread().block_on(has_sources_in_a_plain_box(Cause(0)));
    let _ = has_sources(Cause(99));
    let _ = (tells(Told::Caused(Cause(38))), tells(Told::ByBox(Box::new(Cause(99)))));
    let _ = tells(Told::Perhaps { cause: Some(Cause(99)) });
    let found: Vec<Vec<String>> = recorder.spans().iter().map(sources).collect();
    let from = |first: usize, count: usize| (first..first + count).map(|at| format!("cause {}", at % 40)).collect();
    let wanted: [Vec<String>; 7] = [
        from(31, 16),
        from(1, 16),
        from(1, 16),
        Vec::new(),
        from(38, 16),
        vec!["cause 99".to_owned()],
        vec!["cause 99".to_owned()],
    ];
    assert_eq!(found, wanted);
}

/// A class by hand; its source is that of `std::error::Error`.
#[derive(Debug)]
struct ByHand(Cause);

impl fmt::Display for ByHand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("by hand")
    }
}

impl std::error::Error for ByHand {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl ErrorClass for ByHand {
    fn error_type(&self) -> Cow<'static, str> {
        "by_hand".into()
    }
}

#[trace]
fn fails_by_hand() -> Result<(), Box<ByHand>> {
    Err(Box::new(ByHand(Cause(99))))
}

#[test]
fn a_class_in_a_box_is_a_class_and_its_source_is_that_of_the_error() {
    use std::error::Error;
    let recorder = Recorder::start();
    let error = fails_by_hand().unwrap_err();
    // Both traits are in scope, and `source` is still clear.
    assert!(error.source().is_some());
    recorder.expect(&[
        "fails_by_hand error.type=by_hand !by hand",
        "  * exception exception.type=alloc::boxed::Box<guarantees::outcomes::ByHand> exception.message=by hand \
         otelier.error.sources=[\"cause 99\"]",
    ]);
}

#[derive(Debug, ErrorClass)]
struct Traced {
    at: std::backtrace::Backtrace,
}

impl fmt::Display for Traced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("traced")
    }
}

#[derive(Debug, ErrorClass)]
struct TracedInside {
    #[backtrace]
    inner: Box<Traced>,
    _other: own::Backtrace,
}

mod own {
    #[derive(Debug)]
    pub struct Backtrace;
}

impl fmt::Display for TracedInside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "inside: {}", self.inner)
    }
}

#[derive(Debug, ErrorClass)]
struct HasAnotherBacktrace(own::Backtrace);

impl fmt::Display for HasAnotherBacktrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[trace]
fn fails_with_a_backtrace(at: std::backtrace::Backtrace) -> Result<(), Traced> {
    Err(Traced { at })
}

#[trace]
fn fails_with_a_backtrace_inside() -> Result<(), TracedInside> {
    fn deep(levels: u8) -> std::backtrace::Backtrace {
        let at = if levels == 0 { std::backtrace::Backtrace::force_capture() } else { deep(levels - 1) };
        std::hint::black_box(at)
    }
    Err(TracedInside { inner: Box::new(Traced { at: deep(250) }), _other: own::Backtrace })
}

#[test]
fn a_backtrace_that_was_captured_is_a_stack_trace_of_bounded_length() {
    let recorder = Recorder::start();
    let _ = fails_with_a_backtrace(std::backtrace::Backtrace::force_capture());
    let _ = fails_with_a_backtrace(std::backtrace::Backtrace::disabled());
    let _ = fails_with_a_backtrace_inside();
    assert!(HasAnotherBacktrace(own::Backtrace).backtrace().is_none());
    let stacktraces: Vec<Option<String>> = recorder
        .spans()
        .iter()
        .map(|span| {
            let attributes = &span.events.events[0].attributes;
            let found = attributes.iter().find(|attribute| attribute.key.as_str() == "exception.stacktrace");
            found.map(|attribute| attribute.value.to_string())
        })
        .collect();
    let [Some(first), None, Some(long)] = stacktraces.as_slice() else { panic!("{stacktraces:?}") };
    assert!(first.contains("a_backtrace_that_was_captured"), "{first}");
    assert_eq!(long.chars().count(), 16 * 1024);
}

#[trace]
fn is_found_in_a_poll(error: Option<u16>) -> std::task::Poll<Option<Answer<u8>>> {
    std::task::Poll::Ready(error.map(|status| Err(ExchangeError::Status(status))))
}

#[trace]
fn is_found_in_a_control_flow(error: Option<u16>) -> std::ops::ControlFlow<Answer<u8>, u8> {
    match error {
        Some(status) => std::ops::ControlFlow::Break(Err(ExchangeError::Status(status))),
        None => std::ops::ControlFlow::Continue(1),
    }
}

#[trace]
fn is_found_in_an_option() -> Option<Answer<u8>> {
    Some(Err(ExchangeError::Status(3)))
}

#[trace]
fn breaks() -> std::ops::ControlFlow<ExchangeError> {
    std::ops::ControlFlow::Break(ExchangeError::NotListed)
}

#[test]
fn errors_are_found_where_results_are_inside_of_something() {
    let recorder = Recorder::start();
    let _ = (is_found_in_a_poll(Some(1)), is_found_in_a_poll(None));
    let _ = (is_found_in_a_control_flow(Some(2)), is_found_in_a_control_flow(None));
    let _ = (is_found_in_an_option(), breaks());
    let error =
        |status| format!("  * exception exception.type={EXCEPTION} exception.message=the exchange answered {status}");
    recorder.expect(&[
        "is_found_in_a_poll error.type=1 !the exchange answered 1",
        &error(1),
        "is_found_in_a_poll",
        "is_found_in_a_control_flow error.type=2 !the exchange answered 2",
        &error(2),
        "is_found_in_a_control_flow",
        "is_found_in_an_option error.type=3 !the exchange answered 3",
        &error(3),
        "breaks",
    ]);
}

/// What annotations with `none = "not_found"` write.
macro_rules! or_none {
    ($value:expr) => {{
        use otelier::__private::outcome::*;
        let outcome = (&&&&&&&otelier::__private::Probe($value)).otelier_outcome();
        otelier::__private::none_is(outcome, $value, "not_found")
    }};
}

#[test]
fn none_is_a_failure_without_an_exception_where_the_annotation_says_so() {
    static SITE: otelier::__private::Callsite =
        otelier::__private::Callsite::new("looks up", otelier::schema::Kind::Internal);
    let recorder = Recorder::start();
    for value in [Ok(Some(1)), Ok(None), Err(ExchangeError::Status(500))] {
        let mut span = otelier::__private::Guard::new();
        span.enter(&SITE);
        span.outcome(or_none!(&value));
    }
    assert!(or_none!(&Some(1)).is_good() && !or_none!(&None::<u8>).is_good());
    assert!(or_none!(&std::task::Poll::<Option<u8>>::Pending).is_good());
    assert!(!or_none!(&std::task::Poll::Ready(None::<Answer<u8>>)).is_good());
    recorder.expect(&[
        "looks up",
        "looks up error.type=not_found !",
        "looks up error.type=500 !the exchange answered 500",
        &format!("  * exception exception.type={EXCEPTION} exception.message=the exchange answered 500"),
    ]);
}

/// Counts how often its methods run.
struct Counted<'a>(&'a std::cell::Cell<u32>);

impl fmt::Display for Counted<'_> {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.set(self.0.get() + 1);
        Ok(())
    }
}

impl ErrorClass for Counted<'_> {
    fn error_type(&self) -> Cow<'static, str> {
        self.0.set(self.0.get() + 1);
        "counted".into()
    }
}

#[trace]
fn counts(count: &std::cell::Cell<u32>) -> Result<(), Counted<'_>> {
    Err(Counted(count))
}

#[test]
fn an_error_is_asked_nothing_where_no_span_is_recorded() {
    let turn = crate::support::turn();
    let count = std::cell::Cell::new(0);
    assert!(counts(&count).is_err());
    assert_eq!(count.get(), 0);
    drop(turn);
    let recorder = Recorder::with(Telemetry::default().with_sampler(otelier::config::Sampler::AlwaysOff));
    assert!(counts(&count).is_err());
    assert_eq!(count.get(), 0);
    recorder.expect(&[]);
    let recorder = Recorder::start();
    assert!(counts(&count).is_err());
    assert_eq!(count.get(), 2);
    drop(recorder);
}

#[derive(Debug, ErrorClass)]
struct Wraps<E> {
    #[source]
    inner: E,
}

impl<E: fmt::Display> fmt::Display for Wraps<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wraps {}", self.inner)
    }
}

#[derive(Debug, ErrorClass)]
enum Either<A, B: fmt::Debug> {
    #[error_class(transparent)]
    Left(A),
    #[error_class(type = 0)]
    Right(B),
}

impl<A: fmt::Display, B: fmt::Debug> fmt::Display for Either<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Left(left) => left.fmt(f),
            Self::Right(right) => write!(f, "{right:?}"),
        }
    }
}

#[test]
fn a_generic_error_has_a_class_where_its_parameters_allow_it() {
    let wraps = Wraps { inner: Cause(99) };
    assert_eq!(
        (wraps.error_type(), wraps.error_source().map(ToString::to_string)),
        ("wraps".into(), Some("cause 99".to_owned()))
    );
    let left: Either<ExchangeError, u8> = Either::Left(ExchangeError::NotListed);
    assert!(left.error_type() == "not_listed" && left.is_expected());
    assert_eq!(Either::<ExchangeError, u8>::Right(7).error_type(), "7");
}

#[trace]
async fn is_cancelled() -> Answer<u8> {
    std::future::pending().await
}

#[test]
fn a_cancelled_future_is_no_error() {
    let recorder = Recorder::start();
    one_thread().block_on(async {
        let patience = std::time::Duration::from_millis(1);
        assert!(tokio::time::timeout(patience, is_cancelled()).await.is_err());
    });
    let spans = recorder.spans();
    assert_eq!(spans[0].status, opentelemetry::trace::Status::Unset);
    crate::support::expect(spans, &["is_cancelled otelier.cancelled=true"]);
}

#[cfg(all(feature = "testing", feature = "logs"))]
#[test]
fn a_capture_shows_exceptions_whatever_the_last_pipeline_made_of_them() {
    use opentelemetry_sdk::logs::{LogBatch, LogExporter};
    #[derive(Debug)]
    struct Forgets;
    impl LogExporter for Forgets {
        async fn export(&self, _: LogBatch<'_>) -> opentelemetry_sdk::error::OTelSdkResult {
            Ok(())
        }
    }
    #[trace(name = "fails")]
    fn fails() -> Result<(), String> {
        Err("no".to_owned())
    }
    let _turn = crate::support::turn();
    let settings = otelier::Telemetry::default().with_exception_signal(otelier::config::ExceptionSignal::Logs);
    let telemetry = otelier::Pipeline::new(settings).with_log_exporter(Forgets).start().expect("the pipeline starts");
    telemetry.shutdown().expect("it ends in time");
    let spans = otelier::testing::capture(|| fails().is_err());
    assert_eq!(spans.span("fails").events().count(), 1);
}
