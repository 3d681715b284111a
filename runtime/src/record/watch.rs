//! What a span is measured against. Stands in for the part of the runtime that measures.

use std::time::Duration;

/// What is looked at when a span ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch {
    /// The time the operation may take.
    pub budget: Option<Duration>,
    /// The time that the service level objective allows.
    pub slo: Option<Duration>,
    /// The service level indicator.
    pub sli: Option<&'static str>,
    /// The kind of operation.
    pub operation_type: Option<&'static str>,
    /// Whether every call is counted and timed.
    pub metrics: bool,
}

impl Watch {
    /// Nothing.
    pub const NONE: Self = Self { budget: None, slo: None, sli: None, operation_type: None, metrics: false };
}
