//! Sampling under a load as services have it: 100,000 traces of which few matter, decided by the real pipeline.
//!
//! One pipeline runs in a process at a time, so every test holds [`support::turn`]. What is drawn at random is drawn with fixed
//! seeds; where the trace ids are the library's own, limits are so wide that chance alone passes them less than once in a
//! billion runs.

mod ids;
mod load;
#[cfg(feature = "metrics")]
mod metrics;
mod one_thread;
mod support;
mod tasks;
mod threads;
mod tracestate;
