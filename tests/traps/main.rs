//! The traps that annotations can fall into (docs/traps.md), where a test needs more than the crate itself.

mod coverage;
mod lines;
mod lints;
mod peers;
mod sizes;
mod table;
