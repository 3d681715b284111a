//! A guard that a signal ends, too.

use super::{Signal, Waiter};
use crate::diagnostics::{self, LogLevel};
use crate::pipeline::{Guard, Stats, TimedOut};
use std::io;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A [`Guard`] that a signal ends, too; made by [`Guard::shutdown_on_signal`]. Everything a guard does it does as well.
#[must_use = "telemetry ends when the guard is dropped; keep it in a variable of `main`"]
#[derive(Debug)]
pub struct SignalGuard {
    guard: Arc<Guard>,
    /// Whether a signal has come.
    dying: Arc<AtomicBool>,
    /// Taken back with the guard: from then on a signal kills the process at once.
    _waiter: Waiter,
}

impl Guard {
    /// Has `SIGTERM` and `SIGINT` shut telemetry down, within the shutdown timeout, before the process dies by them; see
    /// [`signals`](crate::signals). The rest of the process runs on meanwhile, and then is killed without being asked: a
    /// program that has more to end waits for [`signals::received`](crate::signals::received) instead. Feature `signals`.
    ///
    /// Telemetry ends also when what comes back is dropped. If a signal has come by then, that waits for the process to die,
    /// so that the exit code does not depend on who is quicker.
    ///
    /// # Errors
    ///
    /// If the handlers cannot be installed, and on systems other than Unix. Telemetry has been shut down then.
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// let telemetry = otelier::init(otelier::Telemetry::default())?.shutdown_on_signal()?;
    /// assert_eq!(telemetry.stats().dropped(), 0);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn shutdown_on_signal(self) -> io::Result<SignalGuard> {
        let guard = Arc::new(self);
        let dying = Arc::new(AtomicBool::new(false));
        let (its_guard, is_dying) = (Arc::clone(&guard), Arc::clone(&dying));
        let tell = move |signal| {
            is_dying.store(true, Ordering::Release);
            // On a thread of its own, so that others who wait are told at once.
            let thread = std::thread::Builder::new().name("otelier-shutdown".to_owned());
            let again = Arc::clone(&its_guard);
            if thread.spawn(move || end(&its_guard, signal)).is_err() {
                end(&again, signal);
            }
        };
        let waiter = Waiter::new(Box::new(tell))?;
        Ok(SignalGuard { guard, dying, _waiter: waiter })
    }
}

impl SignalGuard {
    /// As [`Guard::shutdown`]. If a signal has come, this does not return: the process dies by it.
    ///
    /// # Errors
    ///
    /// [`TimedOut`] if the exporters needed longer; spans they still held are lost.
    pub fn shutdown(self) -> Result<Stats, TimedOut> {
        let ended = self.guard.end();
        self.wait_to_die();
        ended.map(|()| self.guard.stats())
    }

    /// If a signal ends the process just now, waits for that.
    fn wait_to_die(&self) {
        if self.dying.load(Ordering::Acquire) {
            // Whoever ends telemetry keeps to the deadline; a little later the process is gone.
            std::thread::sleep(self.guard.shutdown_timeout().saturating_add(Duration::from_secs(1)));
        }
    }
}

impl Deref for SignalGuard {
    type Target = Guard;

    fn deref(&self) -> &Guard {
        &self.guard
    }
}

impl Drop for SignalGuard {
    fn drop(&mut self) {
        // Also if the signal's thread has its share of the guard and so drops it last. `shutdown` tells who wants to know.
        let _ = self.guard.end();
        self.wait_to_die();
    }
}

fn end(guard: &Guard, signal: Signal) {
    diagnostics::tell(LogLevel::Info, "Pipeline.Shutdown.Signal", || format!("the process got {signal}, and ends"));
    // A timeout is said by the guard.
    let _ = guard.end();
    signal.die()
}
