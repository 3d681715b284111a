//! The end of the pipeline, for those that would wait past it.

use crate::clock;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// What is kept back of the time for a shutdown, so that the answer still reaches who waits for it.
pub(crate) const RESERVE: Duration = Duration::from_millis(50);

/// When everything must be over; nothing while the pipeline runs.
#[derive(Clone, Debug)]
pub(crate) struct Stop(watch::Receiver<Option<Instant>>);

impl Stop {
    pub(crate) fn new(deadline: watch::Receiver<Option<Instant>>) -> Self {
        Self(deadline)
    }

    /// When exporting must be over, once the pipeline stops.
    pub(crate) fn end(&self) -> Option<Instant> {
        self.0.borrow().map(|deadline| deadline.checked_sub(RESERVE).unwrap_or(deadline))
    }

    /// Whether the pipeline stops.
    pub(crate) fn has_begun(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Whether exporting must be over.
    pub(crate) fn is_over(&self) -> bool {
        self.end().is_some_and(|end| end <= Instant::now())
    }

    /// Waits until the pipeline stops.
    pub(crate) async fn begun(&self) {
        let mut deadline = self.0.clone();
        if deadline.wait_for(Option::is_some).await.is_err() {
            // Whoever could stop it is gone.
            std::future::pending::<()>().await;
        }
    }

    /// Waits until exporting must be over.
    pub(crate) async fn over(&self) {
        self.begun().await;
        let end = self.end().unwrap_or_else(|| clock::instant_after(Duration::ZERO));
        tokio::time::sleep_until(end.into()).await;
    }
}
