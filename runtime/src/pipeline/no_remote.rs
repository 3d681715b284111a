//! In a build without the feature `otlp-http`, whose settings' check refuses samplers that ask a server.

use super::shared::Shared;
use crate::config::Sampler;
use crate::record;
use opentelemetry_sdk::Resource;
use std::sync::Arc;
use std::time::Instant;

#[derive(Debug, Default)]
pub(super) struct Remote {}

impl Remote {
    pub(super) fn stop(&self, _: Instant) {}
}

pub(super) fn begin(_: &Arc<Shared>, _: &Resource) {}

#[must_use = "a sampler of the program's own may end with it"]
pub(super) fn install(_: &Arc<Shared>, sampler: &Sampler) -> impl Sized + use<> {
    record::set_sampler(sampler.node())
}
