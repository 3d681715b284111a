//! In a build without the feature `metrics`, whose settings' check refuses readers.

use super::stats::ExporterStats;
use crate::config::{Hooks, Telemetry};
use crate::{ConfigError, Error};
use opentelemetry_sdk::Resource;
use std::time::Instant;

pub(super) struct Readers;

#[derive(Debug)]
pub(super) struct Running;

pub(super) fn in_child_of_fork() {}

impl Readers {
    pub(super) fn of(_: &Telemetry, _: &mut ConfigError) -> Self {
        Self
    }

    pub(super) fn start(self, _: &Telemetry, _: &Resource) -> Result<Running, Error> {
        Ok(Running)
    }
}

impl Running {
    pub(super) fn none() -> Self {
        Self
    }

    pub(super) fn install(&mut self, _: Hooks) {}

    pub(super) fn flush(&self) -> [u64; 0] {
        []
    }

    pub(super) fn wait_flushed(&self, _: &[u64], _: Instant) -> bool {
        true
    }

    pub(super) fn stop(&self, _: Instant) {}

    pub(super) fn end(&mut self, _: Instant) -> bool {
        true
    }

    pub(super) fn forget(self) {}

    pub(super) fn stats(&self) -> impl Iterator<Item = ExporterStats> {
        std::iter::empty()
    }
}
