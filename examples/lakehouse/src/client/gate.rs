//! The gate that all requests of a client go through.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use otelier::trace;
use tokio::time::Instant;

/// The longest pause the client accepts. The replayed exchange never asks for more unless it is provoked.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// Holds all requests back while the exchange wants none, so that one refusal does not become many.
#[derive(Debug, Default)]
pub struct Gate {
    opens: Mutex<Option<Instant>>,
    weight_limit: AtomicU32,
}

impl Gate {
    /// Waits until requests are welcome.
    pub async fn wait(&self) {
        if self.is_closed() {
            self.hold().await;
        }
    }

    /// The wait has a span of its own, or the time would be missing in the trace.
    #[trace(name = "wait for rate limit")]
    async fn hold(&self) {
        // Another refusal may have closed the gate again meanwhile, so look after each sleep.
        while let Some(opens) = self.opens() {
            tokio::time::sleep_until(opens).await;
        }
    }

    /// Whether requests are held back now.
    pub fn is_closed(&self) -> bool {
        self.opens().is_some()
    }

    /// Holds requests back for `pause`, at most 4 s; a gate that is closed for longer stays so.
    pub fn close_for(&self, pause: Duration) {
        let opens = Instant::now() + pause.min(LONGEST_PAUSE);
        let mut known = self.opens.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some(known.map_or(opens, |known| known.max(opens)));
    }

    /// The weight the exchange allows in a minute, once it is known.
    pub fn weight_limit(&self) -> Option<u32> {
        Some(self.weight_limit.load(Ordering::Relaxed)).filter(|limit| *limit > 0)
    }

    /// Remembers the weight the exchange allows in a minute.
    pub fn set_weight_limit(&self, limit: u32) {
        self.weight_limit.store(limit, Ordering::Relaxed);
    }

    fn opens(&self) -> Option<Instant> {
        let opens = *self.opens.lock().unwrap_or_else(PoisonError::into_inner);
        opens.filter(|opens| *opens > Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_closed_gate_opens_after_the_longest_pause_asked_for() {
        let gate = Gate::default();
        let start = Instant::now();
        gate.wait().await;
        gate.close_for(Duration::from_millis(60));
        gate.close_for(Duration::from_millis(1));
        gate.wait().await;
        assert!(start.elapsed() >= Duration::from_millis(60));
        assert!(!gate.is_closed());
    }

    #[tokio::test]
    async fn no_pause_is_longer_than_the_cap() {
        let gate = Gate::default();
        gate.close_for(Duration::from_secs(3_600));
        assert!(gate.opens().expect("closed") <= Instant::now() + LONGEST_PAUSE);
    }
}
