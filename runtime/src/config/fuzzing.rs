//! The loop of tests that try inputs which nobody has written: always the same ones, so that what is found is found again.

use super::Variables;
use std::panic::RefUnwindSafe;
use std::time::{Duration, Instant};

/// Numbers below a limit, of which 0 counts as 1.
pub(crate) type Random<'a> = &'a mut dyn FnMut(usize) -> usize;

/// Tries so many inputs; `make` makes one of them, and `check` panics if it finds something.
///
/// # Panics
///
/// If it does, with the input.
pub(crate) fn few(inputs: usize, make: impl Fn(Random<'_>) -> Vec<u8>, check: impl Fn(&[u8]) + RefUnwindSafe) {
    // Only something that hangs takes as long.
    assert_eq!(run(Duration::from_secs(600), inputs, make, check), inputs, "it takes too long");
}

/// The same for as many seconds as `OTELIER_FUZZ_SECONDS` says, or a minute.
pub(crate) fn for_a_while(make: impl Fn(Random<'_>) -> Vec<u8>, check: impl Fn(&[u8]) + RefUnwindSafe) {
    let seconds = Variables::of_the_process().get("OTELIER_FUZZ_SECONDS").and_then(|text| text.parse().ok());
    let seconds = seconds.unwrap_or(60);
    let count = run(Duration::from_secs(seconds), usize::MAX, make, check);
    println!("{count} inputs in {seconds} s without a finding");
}

fn run(
    time: Duration,
    inputs: usize,
    make: impl Fn(Random<'_>) -> Vec<u8>,
    check: impl Fn(&[u8]) + RefUnwindSafe,
) -> usize {
    let mut state: u64 = 0x6f74_656c_6965_7221;
    let mut random = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % limit.max(1) as u64) as usize
    };
    let start = Instant::now();
    let mut count = 0;
    while count < inputs && start.elapsed() < time {
        let bytes = make(&mut random);
        let done = std::panic::catch_unwind(|| check(&bytes));
        assert!(done.is_ok(), "input {count} is a finding: {}", bytes.escape_ascii());
        count += 1;
    }
    count
}
