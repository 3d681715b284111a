//! The process's handlers, and the thread that tells who waits.

use super::{Signal, Tell};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::{flag, low_level};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

struct Hub {
    waiters: Mutex<Waiters>,
    /// Set when the next signal is to kill the process at once.
    kills: Arc<AtomicBool>,
}

#[derive(Default)]
struct Waiters {
    waiting: Vec<(u64, Tell)>,
    last: u64,
    /// The signal that somebody was told of: who begins to wait after it need not.
    came: Option<Signal>,
}

static HUB: OnceLock<Hub> = OnceLock::new();

impl Hub {
    fn waiters(&self) -> MutexGuard<'_, Waiters> {
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Installs the handlers, unless they are.
fn hub() -> io::Result<&'static Hub> {
    static INSTALLING: Mutex<()> = Mutex::new(());
    if let Some(hub) = HUB.get() {
        return Ok(hub);
    }
    let _installing = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(hub) = HUB.get() {
        return Ok(hub);
    }
    crate::pipeline::watch_forks();
    let wanted: Vec<_> = [SIGTERM, SIGINT].into_iter().filter(|signal| !is_ignored(*signal)).collect();
    let kills = Arc::new(AtomicBool::new(false));
    for signal in &wanted {
        // Before the other handler, so that the second signal finds what the first has set.
        flag::register_conditional_default(*signal, Arc::clone(&kills))?;
    }
    let mut signals = Signals::new(&wanted)?;
    std::thread::Builder::new().name("otelier-signals".to_owned()).spawn(move || {
        crate::record::never_here();
        for number in signals.forever() {
            let signal = if number == SIGINT { Signal::Interrupt } else { Signal::Terminate };
            // The thread is started before it is there to be told; that takes no longer than this function.
            take(HUB.wait(), signal);
        }
    })?;
    Ok(HUB.get_or_init(|| Hub { waiters: Mutex::default(), kills }))
}

/// Whether whoever started the process wanted the signal to be ignored, as `nohup` and shells do for what runs in the
/// background.
fn is_ignored(signal: i32) -> bool {
    // The one way to learn of it without `unsafe`: the kernel says it. Where there is no such file, it is not.
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return false };
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal - 1) & 1 == 1
}

fn take(hub: &Hub, signal: Signal) {
    let waiting = {
        let mut waiters = hub.waiters();
        hub.kills.store(true, Ordering::SeqCst);
        waiters.came = Some(signal);
        std::mem::take(&mut waiters.waiting)
    };
    if waiting.is_empty() {
        die(signal);
    }
    for (_, tell) in waiting {
        tell(signal);
    }
}

pub(super) fn add(tell: Tell) -> io::Result<u64> {
    let mut waiters = hub()?.waiters();
    waiters.last += 1;
    let number = waiters.last;
    match waiters.came {
        None => waiters.waiting.push((number, tell)),
        Some(signal) => {
            drop(waiters);
            tell(signal);
        }
    }
    Ok(number)
}

pub(super) fn remove(number: u64) {
    let Some(hub) = HUB.get() else { return };
    // Dropped without the lock.
    let removed = {
        let mut waiters = hub.waiters();
        let at = waiters.waiting.iter().position(|(other, _)| *other == number);
        at.map(|at| waiters.waiting.swap_remove(at))
    };
    drop(removed);
}

/// Nobody waits in the child of a fork: signals kill it at once.
pub(crate) fn in_child() {
    if let Some(hub) = HUB.get() {
        hub.kills.store(true, Ordering::SeqCst);
    }
}

/// Returns only if the system refuses.
pub(super) fn die(signal: Signal) {
    let _ = low_level::emulate_default_handler(signal.number());
}
