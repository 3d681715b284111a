//! Backtraces and locations of annotated functions are the user's.

use otelier::prelude::*;
use std::backtrace::Backtrace;
use std::future::Future;
use std::panic::Location;
use std::pin::{Pin, pin};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

/// Where a backtrace was taken, and the backtrace as text.
type Taken = (u32, String);

/// Takes a backtrace: the line of the caller is what it must show.
#[track_caller]
#[inline(never)]
fn taken() -> Taken {
    (Location::caller().line(), Backtrace::force_capture().to_string())
}

/// What the frame of an `async` block is called depends on what is inlined, so only its place is compared.
const BLOCK: &str = "";

/// The frame of `function` must be there, at the line where the backtrace was taken.
#[track_caller]
fn shows((line, backtrace): &Taken, function: &str) {
    let lines: Vec<&str> = backtrace.lines().map(str::trim).collect();
    let frames = lines.windows(2).filter(|pair| pair[0].contains(function) && pair[1].starts_with("at "));
    let places: Vec<&str> = frames.map(|pair| pair[1]).collect();
    let wanted = format!("lines.rs:{line}:");
    assert!(places.iter().any(|place| place.contains(&wanted)), "no frame of `{function}` at {wanted} in\n{backtrace}");
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

#[trace]
#[inline(never)]
fn synchronous() -> Taken {
    taken()
}

#[trace(app.n = n)]
#[inline(never)]
fn fallible(n: u64) -> Result<Taken, std::num::ParseIntError> {
    let _parsed: u64 = "7".parse()?;

    let taken = taken();
    Ok(taken)
}

#[trace(app.n = n)]
async fn asynchronous(n: u64) -> Taken {
    std::future::ready(n).await;
    taken()
}

#[trace]
async fn asynchronous_and_fallible(n: u64) -> Result<Taken, std::num::ParseIntError> {
    let _parsed: u64 = n.to_string().parse()?;
    std::future::ready(()).await;
    Ok(taken())
}

#[must_use]
#[trace]
async fn stays_asynchronous() -> Taken {
    std::future::ready(()).await;
    taken()
}

#[trace]
fn boxed() -> Pin<Box<dyn Future<Output = Taken> + Send>> {
    Box::pin(async move {
        std::future::ready(()).await;
        taken()
    })
}

struct Pool;

#[trace]
impl Pool {
    fn acquire(&self) -> Option<Taken> {
        Some(taken())
    }

    async fn fill(&self) -> Taken {
        taken()
    }
}

#[test]
fn a_backtrace_has_the_frames_of_annotated_functions_at_the_users_lines() {
    shows(&synchronous(), "lines::synchronous");
    shows(&fallible(1).expect("7 is a number"), "lines::fallible");
    shows(&Pool.acquire().expect("there is one"), "Pool::acquire");
    shows(&block_on(asynchronous(1)), BLOCK);
    shows(&block_on(asynchronous_and_fallible(1)).expect("1 is a number"), BLOCK);
    shows(&block_on(stays_asynchronous()), BLOCK);
    shows(&block_on(boxed()), BLOCK);
    shows(&block_on(Pool.fill()), BLOCK);
}

#[test]
fn an_annotation_adds_at_most_two_frames_to_a_backtrace() {
    fn plain() -> Taken {
        taken()
    }
    let count = |taken: Taken| {
        let frames = taken.1.lines().map(str::trim).filter(|line| !line.starts_with("at "));
        frames.count()
    };
    let plain = count(plain());
    assert_eq!(count(synchronous()), plain, "a function whose result is not looked at has no frame of ours");
    let fallible = count(fallible(1).expect("7 is a number"));
    // The closure around the body, and the function that calls it.
    assert!(fallible <= plain + 2, "{fallible} frames, and {plain} without an annotation");
}

/// The line of the panic that `call` ends in.
fn line_of_panic(call: impl FnOnce() + std::panic::UnwindSafe) -> u32 {
    static LINE: Mutex<u32> = Mutex::new(0);
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(|panic| {
        let line = panic.location().map_or(0, Location::line);
        *LINE.lock().unwrap_or_else(PoisonError::into_inner) = line;
    }));
    let result = std::panic::catch_unwind(call);
    std::panic::set_hook(before);
    assert!(result.is_err(), "it panics");
    *LINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The first line of the functions below.
const PANICS: u32 = line!();

#[trace]
fn panics() {
    panic!("on purpose") // + 4
}

#[trace(app.n = 1)]
fn panics_with_a_result(values: &[u8]) -> Result<u8, String> {
    let first = values[0]; // + 9
    Err(first.to_string())
}

#[trace]
async fn panics_later(value: Option<u8>) -> Result<u8, String> {
    std::future::ready(()).await;
    Ok(value.unwrap()) // + 16
}

#[trace]
impl Pool {
    fn panics() -> u64 {
        u64::from("x".len() == 1 && panic!("on purpose")) // + 22
    }
}

#[test]
fn a_panic_names_the_users_line() {
    assert_eq!(line_of_panic(panics), PANICS + 4);
    assert_eq!(line_of_panic(|| drop(panics_with_a_result(&[]))), PANICS + 9);
    assert_eq!(line_of_panic(|| drop(block_on(panics_later(None)))), PANICS + 16);
    assert_eq!(line_of_panic(|| _ = Pool::panics()), PANICS + 22);
}

#[trace]
#[track_caller]
fn caller() -> u32 {
    Location::caller().line()
}

#[track_caller]
#[trace(app.n = n)]
fn caller_through_two(n: u32) -> u32 {
    let line = caller();
    line + n
}

#[trace]
impl Pool {
    #[track_caller]
    fn caller(&self) -> u32 {
        Location::caller().line()
    }
}

#[test]
fn the_callers_line_passes_through_an_annotation() {
    assert_eq!(caller(), line!());
    assert_eq!(caller_through_two(0), line!());
    assert_eq!(Pool.caller(), line!());
}

/// A closure cannot have `#[track_caller]`, so what stands in one has the line where it is called: here, not in the caller.
#[trace]
#[track_caller]
fn caller_of_a_result(text: &str) -> Result<(u32, u32), std::num::ParseIntError> {
    let _parsed: u64 = text.parse()?;
    Ok((Location::caller().line(), line!()))
}

#[test]
fn where_the_body_stands_in_a_closure_the_callers_line_is_the_functions_own() {
    let (found, own) = caller_of_a_result("7").expect("7 is a number");
    assert_eq!(found, own);
}
