//! Runs the program as a user does.

mod faults;
mod input;
mod recordings;
mod run;
mod support;
mod telemetry;
