//! Telemetry registries: what spans and events a program has, as data.
//!
//! A [`Registry`](model::Registry) comes from the schemas of a program (`otelier::schema`), or from a registry in
//! OpenTelemetry's format, and goes out as such a registry, as Rust source, Markdown, dashboards and alerting rules.

pub mod check;
pub mod dashboard;
#[cfg(feature = "definitions")]
pub mod definitions;
pub mod diff;
mod groups;
pub mod markdown;
pub mod model;
mod pattern;
mod promql;
pub mod read;
pub mod rules;
pub mod rust;
pub mod yaml;
