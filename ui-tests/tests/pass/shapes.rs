//! Functions of every shape that can be annotated.
#![deny(warnings, clippy::all, unused)]
#![forbid(unsafe_code)]

use otelier::prelude::*;
use std::collections::HashMap;
use std::future::Future;
use std::io;

#[trace(app.n = n)]
fn borrows_from_a_mutable_argument(values: &mut [u64], n: usize) -> Option<&mut u64> {
    values.get_mut(n)
}

#[trace(app.n = 1)]
fn returns_its_mutable_argument(values: &mut Vec<u64>) -> &mut Vec<u64> {
    values.push(1);
    values
}

#[trace]
fn impl_trait_in_a_result(n: u64) -> Result<impl Iterator<Item = u64>, io::Error> {
    if n > 5 {
        return Err(io::Error::other("too many"));
    }
    Ok(0..n)
}

#[trace]
fn boxed_error() -> Result<u8, Box<dyn std::error::Error>> {
    Ok("3".parse()?)
}

#[trace]
fn generic<T, const N: usize>(values: [T; N]) -> String
where
    T: std::fmt::Display,
{
    values[0].to_string()
}

#[trace]
fn never_returns() -> ! {
    std::process::exit(0)
}

#[trace(name = "alias")]
fn alias() -> io::Result<()> {
    Err(io::ErrorKind::NotFound.into())
}

struct Store {
    size: u64,
    map: HashMap<String, u64>,
}

impl Store {
    #[trace]
    fn new() -> Self {
        Self { size: 1, map: HashMap::new() }
    }

    #[trace(app.size = self.size)]
    fn by_reference(&self) -> &u64 {
        &self.size
    }

    #[trace(app.size = self.size, app.key = key)]
    fn by_mutable_reference(&mut self, key: &str) -> &mut u64 {
        self.size += 1;
        self.map.entry(key.to_owned()).or_default()
    }

    #[trace(app.size = self.size)]
    fn by_value(self) -> HashMap<String, u64> {
        self.map
    }

    #[trace(app.size = self.size, app.key = key)]
    async fn asynchronous(&mut self, key: &str) -> Result<&u64, std::num::ParseIntError> {
        let size: u64 = key.parse()?;
        self.size = size;
        std::future::ready(()).await;
        record!(app.done = true);
        Ok(&self.size)
    }
}

trait Load {
    fn load(&self) -> Result<(), String>;
    fn later(&self) -> impl Future<Output = u8>;
}

impl Load for u8 {
    #[trace(app.value = *self)]
    fn load(&self) -> Result<(), String> {
        Ok(())
    }

    #[trace]
    async fn later(&self) -> u8 {
        *self
    }
}

#[trace]
async fn reassigns_its_argument(mut text: &str) -> usize {
    let local = String::from("abc");
    if text.is_empty() {
        text = &local;
    }
    std::future::ready(()).await;
    text.len()
}

#[trace(app.bytes = bytes.len())]
async fn moves_its_argument(bytes: Vec<u8>) -> Vec<u8> {
    std::future::ready(()).await;
    bytes
}

#[trace_ingestion(crypto.data_type = DataType::Klines, late(crypto.record_count))]
async fn late_on_every_path(n: u8) -> Result<u8, String> {
    if n == 0 {
        return Err("zero".into());
    }
    if n == 1 {
        record!(crypto.record_count = 1);
        return Ok(1);
    }
    match n {
        2 => record!(crypto.record_count = 2),
        _ => {
            record!(crypto.record_count = n);
        }
    }
    for step in 0..n {
        let closure = |k: u8| record!("app.k" = k);
        closure(step);
        event!("step", app.step = step);
    }
    Ok(n)
}

#[trace_ingestion(crypto.data_type = DataType::Klines, late(crypto.record_count, crypto.data_size_bytes))]
fn late_in_a_loop(n: u8) -> u8 {
    record!(crypto.data_size_bytes = 5);
    let mut i = 0;
    loop {
        record!(crypto.record_count = i);
        i += 1;
        if i == n {
            break;
        }
    }
    i
}

#[trace]
fn nested() -> u8 {
    #[trace(app.inner = 1)]
    fn inner() -> u8 {
        record!(app.rows = 2);
        3
    }
    record!(app.rows = 1);
    let pointer: fn() -> u8 = inner;
    record!(app.pointer = true);
    pointer()
}

macro_rules! make {
    ($name:ident, $value:expr) => {
        #[trace(app.value = $value)]
        fn $name() -> u8 {
            event!("made");
            1
        }
    };
}
make!(made_by_a_macro, 5);

#[trace(app.none = None::<u8>, app.debug = ?Some(1), app.display = %"x", "app.list" = vec![1i64])]
#[must_use]
fn forms_of_values() -> u8 {
    #![allow(clippy::let_and_return)]
    let x = 1;
    x
}

/// The guard of a synchronous span must not make a future `!Send`.
fn needs_send<F: Future + Send>(future: F) -> F {
    future
}

pub fn main() {
    primitives::use_all();
    let mut values = vec![1];
    borrows_from_a_mutable_argument(&mut values, 0);
    returns_its_mutable_argument(&mut values);
    let _ = impl_trait_in_a_result(1).map(Iterator::count);
    let _ = boxed_error();
    generic([1, 2]);
    let _ = alias();
    let mut store = Store::new();
    store.by_reference();
    *store.by_mutable_reference("a") += 1;
    drop(needs_send(store.asynchronous("7")));
    store.by_value();
    let _ = 1u8.load();
    drop(1u8.later());
    drop(needs_send(reassigns_its_argument("")));
    drop(needs_send(moves_its_argument(vec![1])));
    drop(needs_send(late_on_every_path(3)));
    late_in_a_loop(3);
    nested();
    made_by_a_macro();
    let _ = forms_of_values();
    let _: Result<u8, String> = trace_block!(name = "parse", -> Result<u8, String> {
        let parsed: u8 = "1".parse::<u8>().map_err(|error| error.to_string())?;
        Ok(parsed)
    });
    drop(needs_send(trace_block!(name = "later", app.n = 1, async move {
        record!("app.rows" = values.len());
        std::future::ready(()).await;
    })));
    never_returns();
}

/// Bodies whose type only the function's says.
mod primitives {
    use otelier::prelude::*;

    #[trace]
    async fn never_ends() -> u8 {
        panic!("on purpose")
    }

    #[trace]
    async fn inferred(text: &str) -> u64 {
        text.parse().unwrap_or_default()
    }

    #[trace]
    #[allow(clippy::ptr_arg)]
    async fn converted(text: &String) -> &str {
        text
    }

    #[trace]
    async fn early(text: &str) -> bool {
        if text.is_empty() {
            return false;
        }
        text.bytes().next().is_some()
    }

    #[trace]
    async fn counted(numbers: &[u8]) -> usize {
        numbers.iter().map(|number| usize::from(*number)).sum()
    }

    #[trace]
    fn stops() -> ! {
        panic!("on purpose")
    }

    #[trace]
    fn literal() -> u8 {
        7
    }

    pub fn use_all() {
        let text = "7".to_owned();
        drop((never_ends(), inferred("7"), converted(&text), early("7"), counted(&[1]), literal()));
        let _: fn() -> ! = stops;
    }
}
