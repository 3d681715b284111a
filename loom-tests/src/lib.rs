//! The hand-over of finished spans between threads, in every interleaving that [loom] can find.
//!
//! The sources of `runtime/src/record` are compiled here once more, with loom's locks and atomics in place of the standard
//! library's, and with memory that notices two threads touching the same words. `cargo test -p otelier-loom-tests` runs
//! the models; `LOOM_MAX_PREEMPTIONS` and `LOOM_LOG` work as loom's documentation says.
//!
//! [loom]: https://docs.rs/loom

#![cfg(test)]

mod clock;
mod models;
mod record;
