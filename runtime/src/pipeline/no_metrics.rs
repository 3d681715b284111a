//! In a build without the feature `metrics`, whose settings' check refuses readers.

use super::shared::Shared;
use crate::config::{Hooks, Telemetry};
use crate::export::Book;
use crate::{ConfigError, Error};
use opentelemetry_sdk::Resource;
use std::sync::Arc;
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

    pub(super) fn install(&self, _: Hooks) {}

    /// The settings' check refuses what asks for it.
    pub(super) fn measure(&self, _: &Arc<Shared>) {}

    pub(super) fn flush(&self) -> [u64; 0] {
        []
    }

    pub(super) fn wait_flushed(&self, _: &[u64], _: Instant) -> bool {
        true
    }

    pub(super) fn stop(&self, _: Instant) {}

    pub(super) fn end(&self, _: Instant) -> bool {
        true
    }

    pub(super) fn books(&self) -> impl Iterator<Item = Arc<Book>> {
        std::iter::empty()
    }
}
