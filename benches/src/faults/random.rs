//! Requests of which some fail, drawn at random, at a pace.

use super::Found;
use super::app::{App, Arguments, THREADS};
use super::receiver::{Mode, Receiver};
use crate::numbers::whole;
use std::time::Duration;

/// Of a thousand.
const FAIL: u64 = 50;

pub(super) fn run(time: Duration, rate: u64) -> Result<Found, String> {
    measure(time, rate).map_err(|error| error.to_string())
}

fn measure(time: Duration, rate: u64) -> std::io::Result<Found> {
    eprintln!("random failures: {time:?}");
    let mut receiver = Receiver::start()?;
    receiver.answer(Mode::Random(FAIL))?;
    let app = App::start(&Arguments { url: receiver.url(), rate, first: 0, buffer: None, timed: false })?;
    std::thread::sleep(time);
    let (answer, _) = app.end()?;
    let number = |key| answer.number::<u64>(key).unwrap_or(u64::MAX);
    let (made, lost, dropped) = (number("started"), number("lost"), number("dropped"));
    let arrived = receiver.arrived()?;
    let share = 100.0 * arrived.spans as f64 / made as f64;
    let missing: u64 = {
        let each = made / THREADS as u64;
        (0..THREADS as u64).map(|thread| receiver.missing(thread, each)).sum::<std::io::Result<u64>>()?
    };
    let mut found = Found {
        text: format!(
            "| spans/s | requests | failed | spans made | arrived | dropped | came twice | shutdown | most \
             memory |\n|-|-|-|-|-|-|-|-|-|\n| {} | {} | {} ({:.1} %) | {} | {} ({share:.3} %) | {} | {} | {:.2} s | {:.0} MB \
             |\n",
            whole(rate),
            whole(arrived.requests),
            whole(arrived.refused),
            100.0 * arrived.refused as f64 / arrived.requests as f64,
            whole(made),
            whole(arrived.spans),
            whole(dropped),
            whole(arrived.again),
            answer.number::<f64>("shutdown").unwrap_or(f64::NAN),
            answer.number::<f64>("megabytes").unwrap_or(f64::NAN),
        ),
        problems: Vec::new(),
    };
    found.require(share >= 99.9, || {
        format!("{share:.3} % of the spans arrived, {missing} are missing; expected 99.9 %")
    });
    found.require(dropped == 0, || format!("{dropped} spans were dropped"));
    found.require(arrived.spans + lost >= made, || format!("{made} made, {} arrived, {lost} counted", arrived.spans));
    let expected = rate * time.as_secs() * 95 / 100;
    found.require(made >= expected, || format!("only {made} spans were made; expected {expected} at least"));
    Ok(found)
}
