//! What sampling would keep, found out without recording anything: settings are tried on spans that were recorded before.
//!
//! `otelier sampling simulate` does it with files.

mod report;
mod simulation;
mod span;
#[cfg(test)]
mod tests;

pub use report::{Line, Report, Stage, Volume};
pub use simulation::Simulation;
pub use span::SimulatedSpan;
