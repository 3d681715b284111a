//! What the hand-over between threads is made of. `loom-tests` compiles chunk, outbox and queue with loom's versions of
//! these, and tries every interleaving.

pub(crate) use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
pub(crate) use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
