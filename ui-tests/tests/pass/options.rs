//! Every argument of an annotation, in forms that users may write, under the lints of strict projects.
#![forbid(unsafe_code)]
#![deny(warnings, unused, unused_results, unused_qualifications, let_underscore_drop, missing_debug_implementations)]
#![deny(clippy::all, clippy::pedantic, clippy::nursery)]

use opentelemetry::Context;
use opentelemetry::trace::SpanContext;
use otelier::prelude::*;
use std::collections::HashMap;
use std::io;

otelier::span_schema! {
    Load = "app.load" {
        undeclared = deny;
        app.symbol: string required;
        app.rows: int required;
        app.code: int;
        app.side: string in ["buy", "sell"];
        app.order.id: int;
    }
}

otelier::event_schema! {
    Queued = "app.queued" {
        app.size: int required;
        app.order.id: int;
    }
}

#[derive(SpanAttributes)]
#[attributes(prefix = "shop.order")]
struct Order {
    id: u64,
}

struct Failure {
    code: i64,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "failure {}", self.code)
    }
}

/// A schema whose required attribute comes from the result.
#[trace(
    Load,
    name = "load {app.symbol} of {app.rows}",
    app.symbol = symbol,
    ret(|rows| app.rows = rows.len(), app.side = "buy", event("stored", app.first = %rows[0])),
    err(|error| app.code = error.code, event(Queued, app.size = error.code)),
    event(Queued, app.size = 1, app.order = ..order),
    app.order = ..order,
    budget = "1.5s",
    slo = "500ms",
    sli = "latency",
    operation_type = "api",
    metrics
)]
fn load(symbol: &str, order: &Order, rows: Vec<u8>) -> Result<Vec<u8>, Failure> {
    record!(app.order = ..order);
    if rows.is_empty() { Err(Failure { code: 7 }) } else { Ok(rows) }
}

#[trace(
    Load,
    app.symbol = symbol,
    ret(|rows: &Vec<u8>| app.rows = rows.len(), event("stored")),
    err(|Failure { code }| app.code = *code),
    parent = headers,
    sample = 0.25,
    link = link,
    link = [link, link]
)]
async fn load_later(
    symbol: &str,
    headers: &HashMap<String, String>,
    link: &SpanContext,
    mut rows: Vec<u8>,
) -> Result<Vec<u8>, Failure> {
    rows.push(1);
    Ok(rows)
}

#[trace(ret(app.sum), root, sample = always, priority = high)]
fn sum(a: u64) -> u64 {
    a + 1
}

#[trace(ret(app.sum), sample = never, priority = low)]
async fn sum_later(a: u64) -> u64 {
    a + 1
}

#[trace(ret(|(a, b)| app.a = *a, app.b = *b), ret(|pair| app.sum = pair.0 + pair.1), parent = None::<Context>)]
fn pair() -> (u64, u64) {
    (1, 2)
}

#[trace(err(app.error), err(event("failed")), ret(|n| "app.n" = n, app.even = n.is_multiple_of(2)))]
fn parse(text: &str) -> Result<u64, std::num::ParseIntError> {
    text.parse()
}

#[trace(none = "not_found", ret(app.found))]
fn find(n: u64) -> Option<u64> {
    (n > 1).then_some(n)
}

#[trace(ret(|found| app.found = ?found), none = "not_found")]
async fn find_later(n: u64) -> io::Result<Option<u64>> {
    Ok((n > 1).then_some(n))
}

#[trace(
    #[cfg(unix)] app.os = "unix",
    #[cfg(not(unix))] app.os = "other",
    #[cfg(any())] app.never = no_such_value,
    #[cfg(any())] ret(|x| app.x = no_such_value),
    #[cfg(all())] #[cfg(any())] event("never", app.x = no_such_value),
    #[cfg(any())] link = no_such_value,
    #[cfg(any())] ..no_such_value,
    ret(|n| app.n = n, #[cfg(any())] app.m = no_such_value),
    app.sure = (n > 1).then(|| n.to_string()),
)]
fn configured(n: u64) -> u64 {
    event!("x", #[cfg(any())] app.x = no_such_value);
    n
}

#[trace(Load, #[cfg(all())] app.symbol = "a", #[cfg(any())] app.side = "hold", ret(|n| #[cfg(all())] app.rows = n))]
fn configured_by_schema() -> u64 {
    1
}

#[trace(ret(|n| app.n = n))]
fn early(n: u64) -> io::Result<u64> {
    let n = if n > 3 { return Ok(n) } else { n };
    let text = std::str::from_utf8(b"1").map_err(io::Error::other)?;
    Ok(n + text.len() as u64)
}

#[trace(ret(|items| app.items = items.clone().count()))]
fn items() -> impl Iterator<Item = u8> + Clone {
    [1, 2, 3].into_iter()
}

struct Method(u64);

impl Method {
    #[trace(parent = self.parent(), link = self.before(), ret(|n| app.n = n + self.0), event("began", app.id = self.0))]
    fn get(&self) -> io::Result<u64> {
        Ok(self.0)
    }

    #[trace(parent = self.parent(), link = self.before(), ret(|n| app.n = n + self.0), event("began", app.id = self.0))]
    async fn get_later(&self) -> io::Result<u64> {
        Ok(self.0)
    }

    const fn parent(&self) -> Option<&str> {
        if self.0 > 9 { Some("nonsense") } else { None }
    }

    const fn before(&self) -> Option<SpanContext> {
        if self.0 > 9 { Some(SpanContext::NONE) } else { None }
    }
}

fn main() {
    let order = Order { id: 1 };
    drop(load("a", &order, vec![1]));
    drop(load_later("a", &HashMap::new(), &SpanContext::empty_context(), Vec::new()));
    assert_eq!(sum(1), 2);
    drop(sum_later(1));
    assert_eq!(pair(), (1, 2));
    assert!(parse("x").is_err());
    assert_eq!(find(1), None);
    drop(find_later(1));
    assert_eq!(configured(1), 1);
    assert_eq!(configured_by_schema(), 1);
    assert_eq!(early(1).ok(), Some(2));
    assert_eq!(items().count(), 3);
    assert_eq!(Method(1).get().ok(), Some(1));
    drop(Method(1).get_later());
    let n = 4;
    let block = trace_block!(
        name = "block {app.n}", ret(app.n), none = "nothing", root, sample = 1, priority = normal, budget = "5s", metrics, link = &None::<SpanContext>,
        event("began", app.order = ..&order),
        -> Option<u64> { Some(n) }
    );
    assert_eq!(block, Some(4));
    let future = trace_block!(
        name = "later", ret(|n| app.n = n), parent = "nonsense", shop.order = ..&order,
        -> io::Result<u64> async move { Ok(n) }
    );
    drop(future);
}
