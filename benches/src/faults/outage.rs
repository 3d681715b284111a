//! A receiver that is gone for a while, and an application that is killed in it, and again while the receiver catches up.

use super::Found;
use super::app::{App, Arguments};
use super::receiver::Receiver;
use crate::numbers::whole;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Spans of a batch, the default.
const BATCH: u64 = 512;

/// How long the receiver works before and after.
const CALM: Duration = Duration::from_secs(5);

/// How long it may take until everything has arrived.
const CATCH_UP: Duration = Duration::from_secs(180);

/// A directory that goes away.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(super) fn run(outage: Duration, rate: u64) -> Result<Found, String> {
    let folder = Folder(std::env::temp_dir().join(format!("otelier-faults-{}", std::process::id())));
    measure(&folder.0, outage, rate).map_err(|error| error.to_string())
}

/// How many bytes lie in a directory.
fn bytes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.map(|path| if path.is_dir() { bytes(&path) } else { path.metadata().map_or(0, |data| data.len()) }).sum()
}

fn measure(folder: &Path, outage: Duration, rate: u64) -> std::io::Result<Found> {
    let mut receiver = Receiver::start()?;
    let mut first = 0;
    // The numbers of the next application are none that the one before could have used.
    let mut app = |url: String| {
        let arguments = Arguments { url, rate, first, buffer: Some(folder.to_owned()), timed: false };
        first += rate * (outage + CALM * 8 + CATCH_UP).as_secs() * 2;
        App::start(&arguments)
    };
    eprintln!("outage: {CALM:?} without, then {outage:?} with one");
    let one = app(receiver.url())?;
    std::thread::sleep(CALM);
    receiver.stop()?;
    std::thread::sleep(outage / 2);
    let mut taken = one.kill()?;
    let two = app(receiver.url())?;
    std::thread::sleep(outage / 2);
    let most = bytes(folder);
    receiver.listen()?;
    // In the middle of catching up.
    std::thread::sleep(Duration::from_secs(2));
    taken.extend(two.kill()?);
    let again = receiver.arrived()?.again;
    let three = app(receiver.url())?;
    std::thread::sleep(CALM);
    let back = Instant::now();
    let missing = |receiver: &mut Receiver, taken: &[(u64, u64)]| -> std::io::Result<u64> {
        taken.iter().map(|(first, count)| receiver.missing(*first, *count)).sum()
    };
    while missing(&mut receiver, &taken)? > 0 && back.elapsed() < CATCH_UP {
        std::thread::sleep(Duration::from_millis(200));
    }
    let caught_up = back.elapsed() + CALM;
    let (answer, last) = three.end()?;
    taken.extend(last);
    let (missing, arrived) = (missing(&mut receiver, &taken)?, receiver.arrived()?);
    let handed_over: u64 = taken.iter().map(|(_, count)| count).sum();
    let lost: u64 = answer.number("lost").unwrap_or(u64::MAX);
    let megabytes: f64 = answer.number("megabytes").unwrap_or(f64::NAN);
    let mut found = Found {
        text: format!(
            "| spans/s | outage | handed over to the buffer | of these lost | came twice, two kills | most on disk | caught up \
             after | most memory |\n|-|-|-|-|-|-|-|-|\n| {} | {} s | {} | {} | {} | {} MB | {:.1} s | {megabytes:.0} MB |\n",
            whole(rate),
            outage.as_secs(),
            whole(handed_over),
            whole(missing),
            whole(arrived.again),
            whole(most / 1_000_000),
            caught_up.as_secs_f64(),
        ),
        problems: Vec::new(),
    };
    found.require(missing == 0, || format!("{missing} of {handed_over} spans that the buffer had taken are lost"));
    found.require(arrived.again <= 2 * BATCH, || {
        format!("{} spans came twice, {again} of them before the last start; expected a batch a kill", arrived.again)
    });
    found.require(lost == 0, || format!("the last application lost {lost} spans"));
    let expected = rate * (outage + CALM).as_secs() * 9 / 10;
    found.require(handed_over >= expected, || {
        format!("only {handed_over} spans were handed over; expected {expected} at least")
    });
    Ok(found)
}
