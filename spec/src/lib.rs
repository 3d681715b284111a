//! Words that otelier's macros and its runtime share. Nothing here runs; users take everything from the `otelier` crate.

pub mod domain;
mod kind;
mod level;
pub mod name;
pub mod suggest;
pub mod unit;

pub use domain::{DOMAIN_MACROS, DomainMacro};
pub use kind::Kind;
pub use level::{Level, Requirement, Sensitivity, Stability};
