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
        "  formats",
        "odd_later app.panics=true error.type=panic !panicked",
        "  formats",
        "formats",
    ]);
}
