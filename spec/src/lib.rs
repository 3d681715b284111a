//! Words that otelier's macros and its runtime share. Nothing here runs; users take everything from the `otelier` crate.

pub mod domain;
pub mod duration;
mod kind;
mod level;
pub mod name;
pub mod size;
pub mod suggest;
pub mod unit;
pub mod variables;

pub use domain::{DOMAIN_MACROS, DomainMacro, Fills, Function, Verdict};
pub use kind::Kind;
pub use level::{Level, Requirement, Sensitivity, Stability};

/// The most attributes of a schema: one bit each in the mask of given attributes. At call sites with a schema, the indices of
/// other names begin here.
pub const MAX_ATTRIBUTES: usize = 128;

/// The names of gRPC's statuses, by number.
pub const GRPC_STATUSES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];
