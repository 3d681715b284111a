//! What attributes accept.
#![deny(warnings)]

use otelier::prelude::*;
use std::borrow::Cow;
use std::time::Duration;

otelier::span_schema! {
    pub Order = "app.order" {
        app.text: string;
        app.side: string in ["buy", "sell"];
        app.mode: string in ["fast", "slow", ..];
        app.size: int in [1, 10, -1];
        app.count: int in [1, 2, ..];
        app.ratio: double;
        app.paid: boolean;
        app.extra: any;
        app.market: Market;
        app.texts: string[];
        app.sizes: int[];
        app.ratios: double[];
        app.flags: boolean[];
        app.extras: any[];
        app.header.<key>: string[];
        app.field.<key>: string sensitive;
        app.price.currency: string;
        app.price.<key>: double unit "{euro}";
        app.wait: double unit "s";
        app.wait_ms: int unit "ms";
        app.bytes: int unit "By";
        app.rows: int unit "{row}";
        app.user: string personal;
        app.user_id: int personal;
        app.user_market: Market personal;
        app.email: string sensitive;
        app.password: string secret;
        app.await.async.type: string;
    }
}

#[trace(
    Order,
    app.text = text,
    app.side = "buy",
    app.mode = "sideways",
    app.size = -1,
    app.count = 17,
    app.ratio = 0.5f32,
    app.paid = Some(true),
    app.extra = vec![1, 2],
    app.market = Some(Market::Kraken),
    app.texts = ["a", "b"],
    app.sizes = &[1u8, 2][..],
    app.ratios = vec![0.5],
    app.flags = Some(vec![true]),
    app.extras = ["a"],
    app.header["content-type"] = ["text/html"],
    app.header["accept"] = vec![String::new()],
    app.field["card"] = redact("7"),
    app.price.currency = "EUR",
    app.price["net"] = 3.5,
    app.wait = wait,
    app.wait_ms = Some(wait),
    app.bytes = text.len(),
    app.rows = 3u128,
    app.user = disclose(text),
    app.user_id = disclose(7),
    app.user_market = disclose(Market::Binance),
    app.email = hash(text),
    app.password = redact(text),
    app.await.async.type = Cow::Borrowed("x")
)]
fn all(text: &str, wait: Duration) {}

#[trace(Order)]
fn recorded<'a, 'b: 'a, T: AsRef<str> + ?Sized, const N: usize>(text: &'a T, other: &'b [u64; N]) -> &'a str
where
    T: 'a,
{
    record!(app.text = text.as_ref());
    record!(app.sizes = &other[..].iter().map(|size| *size as i64).collect::<Vec<i64>>());
    record!(app.side = if N > 1 { "buy" } else { "sell" });
    record!(app.user = hash(text.as_ref()));
    record!(app.header["x"] = ["a"]);
    record!(app.extra = ?other);
    text.as_ref()
}

struct Holder<'a, T>(&'a T);

impl<'a, T: Sync> Holder<'a, T> {
    #[trace(Order, app.text = %text)]
    async fn method<U>(&'a self, text: U) -> &'a T
    where
        U: std::fmt::Display + Clone + Send,
    {
        record!(app.mode = text.to_string());
        self.0
    }
}

#[trace(Order, late(app.rows))]
fn late(steps: &[u64]) -> Option<u64> {
    let mut rows = 0;
    steps.iter().for_each(|step| rows += step);
    let all: Vec<u64> = steps.iter().map(|step| -> u64 { return step + 1 }).collect();
    match all.first() {
        Some(1) | Some(2) => record!(app.rows = 1),
        Some(_) => record!(app.rows = rows),
        None => return None,
    }
    let report = |rows: u64| record!(app.rows = rows);
    report(3);
    Some(rows)
}

fn main() {
    all("x", Duration::from_secs(1));
    recorded("x", &[1, 2]);
    drop(Holder(&1).method("x"));
    late(&[1]);
}
