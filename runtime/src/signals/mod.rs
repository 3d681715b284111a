//! Ending telemetry when the process is told to end. Feature `signals`; on Unix.
//!
//! By default `SIGTERM`, which Kubernetes and systemd send, and `SIGINT`, which Ctrl-C sends, kill a process at once, with
//! all spans that were not exported. There are two ways to do better:
//!
//! * [`Guard::shutdown_on_signal`](crate::Guard::shutdown_on_signal) for programs that have nothing else to end: telemetry is shut down
//!   within its timeout, and the process dies by the signal.
//! * [`wait`] and [`received`] for programs that end more than telemetry: stop the server, shut the guard down, and then
//!   [`die`](Signal::die) by the signal.
//!
//! Either way whoever started the process sees that the signal killed it (exit code 143 or 130 in a shell). A second signal,
//! sent because the first took too long, kills it at once.
//!
//! Handlers are installed by the first call of one of these functions, and stay; while nobody waits, a signal kills the
//! process as it would without them. Who begins to wait after a signal has come is told at once. A signal that was ignored when the process started, as `nohup` does it, stays so.
//! Waiting takes a thread of its own and needs no async runtime, so any will do.
//!
//! ```no_run
//! # async fn serve() {}
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let telemetry = otelier::init(otelier::Telemetry::from_env()?)?;
//! let asked_to_end = otelier::signals::received()?;
//! tokio::spawn(serve());
//! let signal = asked_to_end.await;
//! telemetry.shutdown()?;
//! signal.die()
//! # }
//! ```

#[cfg(unix)]
mod hub;
mod on_signal;

pub use on_signal::SignalGuard;

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::oneshot;

#[cfg(unix)]
pub(crate) use hub::in_child;

/// A signal that asks the process to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Signal {
    /// `SIGTERM`.
    Terminate,
    /// `SIGINT`.
    Interrupt,
}

impl Signal {
    /// The signal's number: 15 or 2.
    pub fn number(self) -> i32 {
        match self {
            Self::Terminate => 15,
            Self::Interrupt => 2,
        }
    }

    /// Ends the process as the signal would have without a handler, so that whoever started it sees which signal it was.
    /// Nothing is dropped: shut the guard down before.
    pub fn die(self) -> ! {
        #[cfg(unix)]
        hub::die(self);
        // Where that is not possible, the code that a shell would show.
        std::process::exit(128 + self.number())
    }
}

impl fmt::Display for Signal {
    /// `SIGTERM` or `SIGINT`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
        })
    }
}

/// Waits for `SIGTERM` or `SIGINT`, as long as it takes. For code that is not async; see [`received`].
///
/// ```no_run
/// let telemetry = otelier::init(otelier::Telemetry::from_env()?)?;
/// let signal = otelier::signals::wait()?;
/// telemetry.shutdown()?;
/// signal.die()
/// # ; Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// If the handlers cannot be installed, and on systems other than Unix.
pub fn wait() -> io::Result<Signal> {
    let (tell, told) = std::sync::mpsc::channel();
    let waiter = Waiter::new(Box::new(move |signal| _ = tell.send(signal)))?;
    let signal = told.recv().map_err(|_| io::Error::other("the thread that waits for signals has ended"));
    drop(waiter);
    signal
}

/// A future that is ready when `SIGTERM` or `SIGINT` comes, also if that is before it is first polled. Dropping it means not
/// to wait any more. Works with every async runtime.
///
/// # Errors
///
/// If the handlers cannot be installed, and on systems other than Unix.
pub fn received() -> io::Result<Received> {
    let (tell, told) = oneshot::channel();
    let waiter = Waiter::new(Box::new(move |signal| _ = tell.send(signal)))?;
    Ok(Received { told, _waiter: waiter })
}

/// Made by [`received`].
#[must_use = "a future does nothing unless it is awaited"]
#[derive(Debug)]
pub struct Received {
    told: oneshot::Receiver<Signal>,
    _waiter: Waiter,
}

impl Future for Received {
    type Output = Signal;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Signal> {
        // The sender is dropped without a word only after the process was told to die.
        match Pin::new(&mut self.told).poll(cx) {
            Poll::Ready(Ok(signal)) => Poll::Ready(signal),
            Poll::Ready(Err(_)) | Poll::Pending => Poll::Pending,
        }
    }
}

/// What is done with a signal: once, on the thread that waits for them.
type Tell = Box<dyn FnOnce(Signal) + Send>;

/// Waits for a signal until it is dropped.
#[derive(Debug)]
struct Waiter {
    #[cfg_attr(not(unix), allow(dead_code))]
    number: u64,
}

#[cfg(unix)]
impl Waiter {
    fn new(tell: Tell) -> io::Result<Self> {
        Ok(Self { number: hub::add(tell)? })
    }
}

#[cfg(unix)]
impl Drop for Waiter {
    fn drop(&mut self) {
        hub::remove(self.number);
    }
}

#[cfg(not(unix))]
impl Waiter {
    fn new(_: Tell) -> io::Result<Self> {
        let text = "the feature `signals` works on Unix only: this system has no SIGTERM";
        Err(io::Error::new(io::ErrorKind::Unsupported, text))
    }
}
