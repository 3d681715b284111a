//! Spans and events of `tracing` as spans and events of ours.
