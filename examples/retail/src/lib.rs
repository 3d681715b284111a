//! A shop: a service with a database, a background job, a client and a report, each in the trace of who asked for it.

pub mod api;
pub mod error;
pub mod jobs;
pub mod shop;
pub mod store;
pub mod telemetry;
pub mod wire;

/// Exit code of a command line or of settings that cannot be used.
pub const USAGE: u8 = 2;

/// The host part of every address: nothing here is reachable from outside of the machine.
pub const LOOPBACK: std::net::Ipv4Addr = std::net::Ipv4Addr::LOCALHOST;

/// The port of the shop, unless another one is asked for.
pub const PORT: u16 = 8080;
