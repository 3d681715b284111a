//! The runtime's sources, unchanged.

#![allow(dead_code)]

#[path = "../../../runtime/src/record/chunk.rs"]
pub(crate) mod chunk;
#[path = "../../../runtime/src/record/counters.rs"]
pub(crate) mod counters;
#[path = "../../../runtime/src/record/outbox.rs"]
pub(crate) mod outbox;
#[path = "../../../runtime/src/record/queue.rs"]
pub(crate) mod queue;
pub(crate) mod sync;
pub(crate) mod words;
