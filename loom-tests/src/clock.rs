//! What the queue needs of the runtime's clock. Time does not pass in a model, so every deadline is far away.

use std::time::{Duration, Instant};

pub(crate) fn instant_after(duration: Duration) -> Instant {
    Instant::now() + duration
}
