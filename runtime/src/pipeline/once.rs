//! One pipeline that many share.

use super::guard::Guard;
use super::stats::{Stats, TimedOut};
use super::{Pipeline, Telemetry};
use crate::Error;
use crate::diagnostics::{self, LogLevel};
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

static SHARED: Mutex<Weak<Guard>> = Mutex::new(Weak::new());

fn shared() -> MutexGuard<'static, Weak<Guard>> {
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A share of a [`Guard`]; telemetry ends when the last one is dropped. Made by [`init_once`].
#[must_use = "telemetry ends when the last share of its guard is dropped; keep it in a variable"]
#[derive(Debug)]
pub struct SharedGuard {
    /// `None` only while it is dropped.
    guard: Option<Arc<Guard>>,
}

/// Starts telemetry, or shares what [`init_once`] has started already: safe to call from every test, and from libraries
/// that do not know whether their program has done it.
///
/// The settings count for the call that starts the pipeline. Those of a later call have no effect if they differ, and
/// [`diagnostics`] warns of it; [`Guard::reload`] changes what can change. After the last share is dropped,
/// the next call starts anew.
///
/// | | first call | second call |
/// |-|-|-|
/// | [`init`](crate::init) | a guard of one's own | [`Error::AlreadyRunning`] |
/// | `init_once` | a share | another share of the same pipeline |
///
/// # Errors
///
/// As [`init`](crate::init); [`Error::AlreadyRunning`] if the pipeline that runs was started by
/// [`init`](crate::init), whose guard is somebody's own.
///
/// ```
/// use otelier::Telemetry;
///
/// let first = otelier::init_once(Telemetry::default())?;
/// let second = otelier::init_once(Telemetry::default())?;
/// drop(first);
/// assert_eq!(second.stats().dropped(), 0);
/// # Ok::<(), otelier::Error>(())
/// ```
pub fn init_once(telemetry: Telemetry) -> Result<SharedGuard, Error> {
    let mut shared = shared();
    // The child of a fork has a copy of its parent's guard, which runs nothing here.
    if let Some(guard) = shared.upgrade().filter(|guard| guard.is_here() && guard.is_running()) {
        if !guard.has_settings(&telemetry) {
            diagnostics::say(LogLevel::Warn, "Pipeline.Start.SettingsIgnored", "", || {
                "`init_once` was called with other settings than those in force, which have no effect; `reload` changes \
                 what can change"
                    .to_owned()
            });
        }
        return Ok(SharedGuard { guard: Some(guard) });
    }
    let guard = Arc::new(Pipeline::new(telemetry).start()?);
    *shared = Arc::downgrade(&guard);
    Ok(SharedGuard { guard: Some(guard) })
}

impl SharedGuard {
    /// Gives the share back, and ends telemetry if it was the last: then says what became of every span, as
    /// [`Guard::shutdown`] does; `None` if others still have shares.
    ///
    /// # Errors
    ///
    /// [`TimedOut`] if the exporters needed longer than the shutdown timeout; spans they still held are lost.
    pub fn shutdown(mut self) -> Result<Option<Stats>, TimedOut> {
        // Under the lock, so that who starts telemetry anew meanwhile waits for the end of this one.
        let _shared = self.is_here().then(shared);
        self.guard.take().and_then(Arc::into_inner).map(Guard::shutdown).transpose()
    }
}

impl Clone for SharedGuard {
    fn clone(&self) -> Self {
        Self { guard: self.guard.clone() }
    }
}

impl Deref for SharedGuard {
    type Target = Guard;

    fn deref(&self) -> &Guard {
        match &self.guard {
            Some(guard) => guard,
            None => unreachable!("the share is given back only when it is gone"),
        }
    }
}

impl Drop for SharedGuard {
    fn drop(&mut self) {
        if let Some(guard) = self.guard.take() {
            let _shared = guard.is_here().then(shared);
            drop(guard);
        }
    }
}
