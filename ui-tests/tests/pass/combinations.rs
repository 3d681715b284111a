//! Arguments of annotations together with shapes of functions, under the lints of strict projects.
#![deny(warnings, unused, clippy::all, clippy::pedantic, clippy::nursery)]
#![allow(dead_code, clippy::unused_async, clippy::future_not_send, clippy::unused_self)]

use opentelemetry::trace::SpanContext;
use otelier::prelude::*;
use std::collections::HashMap;
use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

type Fallible<T> = Result<T, String>;
type BoxFuture<'a> = Pin<Box<dyn Future<Output = Fallible<u64>> + Send + 'a>>;

/// The span begins and is linked before the body takes what says so.
struct Batch {
    contexts: Vec<SpanContext>,
    headers: HashMap<String, String>,
    n: u64,
}

#[trace(parent = self.headers, link = &self.contexts, ret(|n| app.n = n))]
impl Batch {
    async fn by_reference(&self) -> u64 {
        std::future::ready(()).await;
        self.n
    }

    async fn by_mutable_reference(&mut self) -> u64 {
        self.n += 1;
        self.n
    }

    async fn by_value(self) -> u64 {
        self.n
    }

    #[trace(none = "none", sample = 0.5)]
    async fn by_arc(self: Arc<Self>, n: u64) -> Fallible<Option<u64>> {
        if n == 0 {
            return Err("none".to_owned());
        }
        Ok((n > 1).then_some(self.n))
    }

    #[trace(parent = headers, link = batch.contexts)]
    async fn of_arguments(mut headers: HashMap<String, String>, batch: Self, (a, _): (u64, u64)) -> u64 {
        headers.clear();
        drop(headers);
        batch.n + a
    }

    #[trace(iterator)]
    fn drained(&mut self) -> impl Iterator<Item = &mut SpanContext> {
        self.contexts.iter_mut()
    }

    fn generic<F: Fn(u64) -> u64>(&self, f: F) -> u64 {
        f(self.n)
    }
}

/// What is looked at with the result are arguments that the body has not taken.
#[trace(ret(|n| app.sum = n + id, event("done", app.id = id)), err(|error| app.at = error.len() as u64 + id))]
async fn beside(id: u64) -> Fallible<u64> {
    std::future::ready(()).await;
    Ok(id)
}

#[trace(ret(|n| app.sum = n + id))]
#[must_use]
async fn beside_and_kept(id: u64) -> u64 {
    id
}

#[trace(ret(|rest| app.length = rest.len() + text.len()))]
async fn beside_a_reference(text: &str) -> &str {
    std::future::ready(()).await;
    &text[1..]
}

#[trace(ret(|n| app.sum = n + id))]
fn beside_a_block(id: u64) -> impl Future<Output = u64> + Send {
    async move { id }
}

#[trace(future, app.id = id, ret(|n| app.sum = n + id), err(app.error))]
fn beside_a_future(id: u64) -> BoxFuture<'static> {
    let future = async move { Ok(id) };
    Box::pin(future)
}

/// The alias says nothing of the result.
#[trace(ret(|n| app.n = *n), err(app.error))]
fn aliased(n: &u64) -> BoxFuture<'_> {
    Box::pin(async move {
        let more: u64 = "1".parse().map_err(|_| "no number".to_owned())?;
        Ok(n + more)
    })
}

#[trace(ret(app.text))]
async fn hidden() -> Option<&'static str> {
    Some("text")
}

#[trace(ret(|text| app.text = %text), parent = text)]
async fn hidden_display(text: &str) -> impl Display + '_ {
    text
}

/// Unwritten code is no reason for a warning of ours.
#[trace(ret(|n| app.n = *n), err(app.error), budget = "1s")]
fn unwritten() -> Fallible<u64> {
    unreachable!("nobody calls it")
}

#[trace]
fn unwritten_behind_more(n: u64) -> Fallible<u64> {
    let n = n + 1;
    unreachable!("{n}");
}

/// Only the signature says what is in there.
#[trace(iterator)]
fn empty() -> impl Iterator<Item = u64> {
    std::iter::empty()
}

#[trace(iterator)]
fn converted<'a>(of: &'a mut [u64], text: &'a str) -> impl Iterator<Item = (&'a mut u64, impl Fn() -> &'a str)> {
    of.iter_mut().map(move |n| (n, move || text))
}

/// Methods that have no result, or one that cannot fail, take nothing over that looks at it.
#[derive(Debug)]
struct Pool;

#[trace(ret(|value| app.value = ?value), err(app.error), none = "none")]
impl Pool {
    fn new() -> Self {
        Self
    }

    fn nothing(&self) {}

    async fn nothing_later(&self) {}

    fn number(&self) -> u64 {
        1
    }

    fn text(&self) -> &'static str {
        "text"
    }

    fn rows(&self) -> Vec<u64> {
        Vec::new()
    }

    fn never(&self) -> ! {
        std::process::exit(1)
    }

    #[trace(iterator)]
    fn items(&self) -> impl Iterator<Item = u64> {
        0..3
    }

    fn may_fail(&self) -> Fallible<Option<u64>> {
        Ok(None)
    }

    #[cfg_attr(all(), trace(app.here = true), inline)]
    fn configured(&self) {}

    #[cfg_attr(any(), trace(no.such.argument))]
    async fn configured_out(&self) {}
}

macro_rules! literals {
    ($name:literal, $budget:literal, $key:literal, $value:literal, $ratio:literal, $schema:path, $event:path, $number:expr, $body:block) => {
        #[trace(name = $name, budget = $budget, $key = $value, sample = $ratio, event($name, $key = $value), err($key))]
        fn literals() -> Fallible<u64> {
            record!("app.more" = $value);
            event!($name, "app.n" = $value);
            trace_block!(name = $name, $key = $value, $body);
            Ok($value)
        }

        #[trace($schema, app.id = $number, event($event, app.size = $number))]
        fn declared() {
            event!($event, app.size = $number);
            trace_block!($schema, app.id = $number, {});
        }
    };
}

mod schemas {
    otelier::span_schema! { pub(crate) Load = "app.load" { app.id: int required; } }
    otelier::event_schema! { pub(crate) Loaded = "app.loaded" { app.size: int required; } }
}

literals!("one", "5s", "app.key", 7, 0.5, schemas::Load, crate::schemas::Loaded, 1 + 2, {
    let _ = 3;
});

async fn blocks(headers: HashMap<String, String>, text: String) -> usize {
    let length = trace_block!(name = "lent", parent = headers, ret(|n| app.n = *n + text.len()), -> usize, async {
        headers.len() + text.len()
    });
    let taken = trace_block!(name = "typed", ret(app.n), -> usize, { 3 });
    length.await + taken + text.len()
}

pub fn main() {
    let mut batch = Batch { contexts: Vec::new(), headers: HashMap::new(), n: 1 };
    drop(batch.by_reference());
    drop(batch.by_mutable_reference());
    drop(batch.drained());
    let _ = batch.generic(|n| n + 1);
    drop(beside(1));
    drop(aliased(&1));
    let _ = (Pool::new().may_fail(), empty().count(), literals());
    declared();
}
