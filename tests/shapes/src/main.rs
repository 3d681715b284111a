//! Functions that the tests `traps` of `otelier-tests` build twice: with the feature `annotated` every function has its
//! annotation, without it none has. What coverage counts must be the same, and lints must find nothing new.
//!
//! Most functions have lines that run and lines that do not.
#![forbid(unsafe_code)]

mod more;

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

#[cfg(feature = "annotated")]
use otelier::prelude::*;

/// What the annotations rewrite is nothing without them.
#[cfg(not(feature = "annotated"))]
macro_rules! record {
    ($($arguments:tt)*) => {};
}
#[cfg(not(feature = "annotated"))]
use record as event;

fn main() {
    for number in [1, 2, 7] {
        println!("{}", synchronous(number));
        println!("{:?}", fails(number));
        println!("{:?}", leaves_early(number));
        println!("{:?}", finds(number));
        println!("{}", block_on(asynchronous(number)));
        println!("{:?}", block_on(asynchronous_fails(number, "7")));
        println!("{:?}", block_on(asynchronous_fails(number, "x")));
        println!("{:?}", block_on(stays_asynchronous(number)));
        println!("{:?}", block_on(boxed(number)));
        println!("{:?}", block_on(returns_a_future(number)));
        println!("{}", says_what_it_does(number));
        println!("{:?}", knows_only_later(number));
        println!("{:?}", block_on(knows_only_later_asynchronously(number)));
        generic(number);
        let mut pool = Pool { size: number };
        println!("{}", pool.acquire(3));
        println!("{:?}", pool.release(9));
        println!("{:?}", block_on(pool.fill(2)));
        println!("{:?}", block_on(Store::load(&pool, number)));
        println!("{}", pool.count());
        more::run(number);
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

/// Is pending once.
async fn pause() {
    let mut paused = false;
    std::future::poll_fn(|_| if std::mem::replace(&mut paused, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

#[cfg_attr(feature = "annotated", otelier::trace(app.number = number))]
fn synchronous(number: u64) -> u64 {
    if number > 100 {
        let unused = number * 2;
        return unused;
    }
    let mut sum = 0;
    for step in 0..number {
        if step % 2 == 0 {
            sum += step;
        } else {
            sum += 1;
        }
    }
    sum
}

#[cfg_attr(feature = "annotated", otelier::trace)]
fn fails(number: u64) -> Result<u64, String> {
    if number > 5 { Err("too many".to_owned()) } else { Ok(number) }
}

#[cfg_attr(feature = "annotated", otelier::trace(app.number = number))]
fn leaves_early(number: u64) -> Result<String, std::num::ParseIntError> {
    let text = if number > 5 { "x".to_owned() } else { number.to_string() };
    let parsed: u64 = text.parse()?;
    if parsed == 2 {
        return Ok("two".to_owned());
    }
    let double = parsed * 2;
    Ok(double.to_string())
}

#[cfg_attr(feature = "annotated", otelier::trace)]
fn finds(number: u64) -> Option<u64> {
    let half = number.checked_sub(2)?;
    match half {
        0 => Some(1),
        5 => {
            let five = half + 1;
            Some(five)
        }
        _ => None,
    }
}

#[cfg_attr(feature = "annotated", otelier::trace(app.number = number))]
async fn asynchronous(number: u64) -> u64 {
    if number > 100 {
        return 0;
    }
    pause().await;
    let mut sum = 0;
    while sum < number {
        pause().await;
        sum += 1;
    }
    sum
}

#[cfg_attr(feature = "annotated", otelier::trace(app.number = number))]
async fn asynchronous_fails(number: u64, text: &str) -> Result<u64, std::num::ParseIntError> {
    pause().await;
    let parsed: u64 = text.parse()?;
    if number == 2 {
        return Ok(2);
    }
    let sum = parsed + number;
    Ok(sum)
}

/// With an attribute that other macros might read it stays an `async fn`.
#[must_use = "it is only counted"]
#[cfg_attr(feature = "annotated", otelier::trace(app.number = number))]
async fn stays_asynchronous(number: u64) -> Option<u64> {
    let less = number.checked_sub(2)?;
    pause().await;
    if less == 0 {
        return None;
    }
    Some(less)
}

/// As `async-trait` writes it.
#[cfg_attr(feature = "annotated", otelier::trace(app.number = number))]
fn boxed<'a>(number: u64) -> Pin<Box<dyn Future<Output = Result<u64, String>> + Send + 'a>> {
    Box::pin(async move {
        pause().await;
        if number > 5 {
            return Err("too many".to_owned());
        }
        let next = number + 1;
        Ok(next)
    })
}

#[cfg_attr(feature = "annotated", otelier::trace)]
fn returns_a_future(number: u64) -> impl Future<Output = Option<u64>> {
    let doubled = if number > 5 { 10 } else { number * 2 };
    async move {
        pause().await;
        let half = doubled.checked_sub(4)?;
        Some(half)
    }
}

#[cfg_attr(feature = "annotated", otelier::trace)]
fn says_what_it_does(number: u64) -> u64 {
    record!(app.number = number);
    if number > 5 {
        record!(app.large = true);
        event!("large");
        return 5;
    }
    record!(app.large = false);
    number
}

#[cfg_attr(feature = "annotated", otelier::trace_ingestion(crypto.data_type = DataType::Klines, late(crypto.record_count)))]
fn knows_only_later(number: u64) -> Result<u64, String> {
    if number > 5 {
        return Err("too many".to_owned());
    }
    let count = number * 2;
    record!(crypto.record_count = count);
    if count == 4 {
        return Ok(4);
    }
    Ok(count + 1)
}

#[cfg_attr(feature = "annotated", otelier::trace_ingestion(crypto.data_type = DataType::Klines, late(crypto.record_count)))]
async fn knows_only_later_asynchronously(number: u64) -> Result<u64, String> {
    pause().await;
    if number > 5 {
        return Err("too many".to_owned());
    }
    let count = number * 2;
    record!(crypto.record_count = count);
    if count == 4 {
        return Ok(4);
    }
    Ok(count + 1)
}

#[cfg_attr(feature = "annotated", otelier::trace)]
fn generic<T: PartialOrd + From<u8>>(value: T) {
    if value > T::from(5) {
        println!("large");
    }
}

struct Pool {
    size: u64,
}

#[cfg_attr(feature = "annotated", otelier::trace(app.size = self.size))]
impl Pool {
    fn acquire(&mut self, count: u64) -> u64 {
        if count > 100 {
            return 0;
        }
        self.size += count;
        self.size
    }

    fn release(&mut self, count: u64) -> Result<(), String> {
        let Some(rest) = self.size.checked_sub(count) else {
            return Err("not as many".to_owned());
        };
        self.size = rest;
        Ok(())
    }

    async fn fill(&mut self, count: u64) -> Result<u64, String> {
        for _ in 0..count {
            pause().await;
            self.size += 1;
        }
        if self.size == 0 { Err("empty".to_owned()) } else { Ok(self.size) }
    }
}

#[cfg_attr(feature = "annotated", otelier::trace)]
trait Store {
    fn load(&self, number: u64) -> Pin<Box<dyn Future<Output = Result<u64, String>> + Send + '_>>;

    fn count(&self) -> usize {
        let count = 7;
        if count > 100 {
            return 0;
        }
        count
    }
}

#[cfg_attr(feature = "annotated", otelier::trace)]
impl Store for Pool {
    fn load(&self, number: u64) -> Pin<Box<dyn Future<Output = Result<u64, String>> + Send + '_>> {
        Box::pin(async move {
            pause().await;
            if number > 5 {
                return Err("too many".to_owned());
            }
            Ok(self.size)
        })
    }
}
