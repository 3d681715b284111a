//! The meter provider of a pipeline.

use super::instruments::Instruments;
use super::lane::Lane;
use crate::config::{MetricReader, View};
use opentelemetry::InstrumentationScope;
use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::ManualReader;
use std::sync::Arc;

/// Hands what is measured to all readers.
#[derive(Clone, Debug)]
pub(crate) struct Provider {
    lanes: Arc<[Lane]>,
}

impl Provider {
    /// A provider for these readers, and for each of them what collects its metrics.
    pub(crate) fn new(
        readers: &[MetricReader],
        views: &[View],
        resource: &Resource,
    ) -> (Self, Vec<Vec<Arc<ManualReader>>>) {
        let mut lanes = Vec::new();
        let mut collected = Vec::new();
        for reader in readers {
            let (of_reader, manual): (Vec<_>, Vec<_>) = Lane::of(reader, views, resource).into_iter().unzip();
            lanes.extend(of_reader);
            collected.push(manual);
        }
        (Self { lanes: lanes.into() }, collected)
    }

    /// From now on meters measure nothing. Does not wait for anybody.
    pub(crate) fn end(&self) {
        // What it says is only that the provider has been ended before.
        self.lanes.iter().for_each(|lane| drop(lane.sdk.shutdown()));
    }
}

impl MeterProvider for Provider {
    fn meter_with_scope(&self, scope: InstrumentationScope) -> Meter {
        let meters = self.lanes.iter().map(|lane| (lane.clone(), lane.sdk.meter_with_scope(scope.clone()))).collect();
        Meter::new(Arc::new(Instruments { meters, scope }))
    }
}
