//! A meter provider of the SDK for one reader and one choice of attributes.

use crate::config::{
    Aggregation, AttributeKeys, HistogramAggregation, InstrumentType, MetricReader, Temporality, View, ViewSelector,
    ViewStream,
};
use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader as SdkReader;
use opentelemetry_sdk::metrics::{
    Aggregation as SdkAggregation, Instrument, InstrumentKind, ManualReader, Pipeline, SdkMeterProvider, Stream,
    Temporality as SdkTemporality,
};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// The views of the SDK cannot choose attributes by patterns, so each choice has a provider of its own, and what is not
/// chosen is left out before it gets there.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    pub(super) sdk: SdkMeterProvider,
    /// Which attributes are kept; `None` for all.
    pub(super) keys: Option<Arc<AttributeKeys>>,
    /// The views whose attributes these are.
    views: Arc<[View]>,
    /// All views, in the lane of what none of them selects.
    all_views: Option<Arc<[View]>>,
}

/// What views select by.
pub(super) struct Selected<'a> {
    pub(super) name: &'a str,
    pub(super) instrument: InstrumentType,
    pub(super) unit: &'a str,
    pub(super) scope: &'a InstrumentationScope,
}

impl Lane {
    /// The lanes of a reader, and what collects them.
    pub(super) fn of(reader: &MetricReader, views: &[View], resource: &Resource) -> Vec<(Self, Arc<ManualReader>)> {
        let mut choices = vec![AttributeKeys::default()];
        for view in views {
            let keys = &view.stream.attribute_keys;
            if !keys.keeps_all() && !choices.contains(keys) {
                choices.push(keys.clone());
            }
        }
        choices.into_iter().map(|keys| Self::new(reader, views, keys, resource)).collect()
    }

    fn new(reader: &MetricReader, all: &[View], keys: AttributeKeys, resource: &Resource) -> (Self, Arc<ManualReader>) {
        let is_default = keys.keeps_all();
        let is_ours = |view: &&View| match is_default {
            true => view.stream.attribute_keys.keeps_all(),
            false => view.stream.attribute_keys == keys,
        };
        let views: Arc<[View]> = all.iter().filter(is_ours).cloned().collect();
        let manual = Arc::new(ManualReader::builder().with_temporality(temporality(reader.temporality)).build());
        let mut builder =
            SdkMeterProvider::builder().with_resource(resource.clone()).with_reader(Shared(Arc::clone(&manual)));
        let defaults = Arc::new(reader.clone());
        for number in 0..views.len() {
            let (views, reader) = (Arc::clone(&views), Arc::clone(&defaults));
            builder = builder.with_view(move |instrument| {
                let view = &views[number];
                let (kind, selected) = selected(instrument);
                selects(view, &selected).then(|| stream(&view.stream, &reader, kind)).flatten()
            });
        }
        let all_views: Option<Arc<[View]>> = is_default.then(|| all.into());
        if let Some(all) = all_views.clone() {
            builder = builder.with_view(move |instrument| {
                let (kind, selected) = selected(instrument);
                let is_left = !all.iter().any(|view| selects(view, &selected));
                is_left.then(|| stream(&ViewStream::default(), &defaults, kind)).flatten()
            });
        }
        let lane = Self { sdk: builder.build(), keys: (!is_default).then(|| Arc::new(keys)), views, all_views };
        (lane, manual)
    }

    /// Whether this lane has a stream of the instrument.
    pub(super) fn takes(&self, instrument: &Selected<'_>) -> bool {
        let none = |views: &[View]| !views.iter().any(|view| selects(view, instrument));
        !none(&self.views) || self.all_views.as_deref().is_some_and(none)
    }
}

fn selected(instrument: &Instrument) -> (InstrumentType, Selected<'_>) {
    let kind = match instrument.kind() {
        InstrumentKind::Counter => InstrumentType::Counter,
        InstrumentKind::UpDownCounter => InstrumentType::UpDownCounter,
        InstrumentKind::Histogram => InstrumentType::Histogram,
        InstrumentKind::ObservableCounter => InstrumentType::ObservableCounter,
        InstrumentKind::ObservableUpDownCounter => InstrumentType::ObservableUpDownCounter,
        InstrumentKind::Gauge => InstrumentType::Gauge,
        InstrumentKind::ObservableGauge => InstrumentType::ObservableGauge,
    };
    let (name, unit, scope) = (instrument.name(), instrument.unit(), instrument.scope());
    (kind, Selected { name, instrument: kind, unit, scope })
}

/// Whether the view is for this instrument. One whose aggregation does not fit counts as if it were not there.
fn selects(view: &View, instrument: &Selected<'_>) -> bool {
    let ViewSelector { instrument_type, unit, meter_name, meter_version, meter_schema_url, .. } = &view.selector;
    let is = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
    view.selector.selects_name(instrument.name)
        && instrument_type.is_none_or(|wanted| wanted == instrument.instrument)
        && is(unit, instrument.unit)
        && is(meter_name, instrument.scope.name())
        && is(meter_version, instrument.scope.version().unwrap_or_default())
        && is(meter_schema_url, instrument.scope.schema_url().unwrap_or_default())
        && fits(&view.stream.aggregation, instrument.instrument)
}

fn fits(aggregation: &Aggregation, instrument: InstrumentType) -> bool {
    let is_gauge = matches!(instrument, InstrumentType::Gauge | InstrumentType::ObservableGauge);
    match aggregation {
        Aggregation::Sum => !is_gauge,
        Aggregation::LastValue => is_gauge,
        Aggregation::Default
        | Aggregation::Drop
        | Aggregation::ExplicitBuckets { .. }
        | Aggregation::Base2Exponential { .. } => true,
    }
}

/// What the SDK is to make of an instrument. It refuses nothing that the settings' check has let through.
fn stream(stream: &ViewStream, reader: &MetricReader, instrument: InstrumentType) -> Option<Stream> {
    let limit = stream.cardinality_limit.unwrap_or_else(|| reader.cardinality_limits.of(instrument));
    let mut builder = Stream::builder().with_cardinality_limit(limit);
    if let Some(name) = &stream.name {
        builder = builder.with_name(name.clone());
    }
    if let Some(description) = &stream.description {
        builder = builder.with_description(description.clone());
    }
    let is_exponential = reader.histogram_aggregation == HistogramAggregation::Base2Exponential;
    let aggregation = match &stream.aggregation {
        // Left to the SDK, which knows the boundaries that the instrument asks for.
        Aggregation::Default if instrument != InstrumentType::Histogram || !is_exponential => None,
        Aggregation::Default => Some(sdk_aggregation(&Aggregation::base2_exponential())),
        other => Some(sdk_aggregation(other)),
    };
    if let Some(aggregation) = aggregation {
        builder = builder.with_aggregation(aggregation);
    }
    builder.build().ok()
}

fn sdk_aggregation(aggregation: &Aggregation) -> SdkAggregation {
    match *aggregation {
        Aggregation::Default => SdkAggregation::Default,
        Aggregation::Drop => SdkAggregation::Drop,
        Aggregation::Sum => SdkAggregation::Sum,
        Aggregation::LastValue => SdkAggregation::LastValue,
        Aggregation::ExplicitBuckets { ref boundaries, record_min_max } => {
            SdkAggregation::ExplicitBucketHistogram { boundaries: boundaries.clone(), record_min_max }
        }
        Aggregation::Base2Exponential { max_scale, max_size, record_min_max } => {
            SdkAggregation::Base2ExponentialHistogram { max_size, max_scale, record_min_max }
        }
    }
}

fn temporality(temporality: Temporality) -> SdkTemporality {
    match temporality {
        Temporality::Cumulative => SdkTemporality::Cumulative,
        Temporality::Delta => SdkTemporality::Delta,
        Temporality::LowMemory => SdkTemporality::LowMemory,
    }
}

/// A reader that its thread asks, beside the provider that owns it.
#[derive(Debug)]
struct Shared(Arc<ManualReader>);

impl SdkReader for Shared {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    /// Asks nobody: a callback that hangs would hold the reader's lock, and whoever shuts the provider down would hang with
    /// it. The thread that collects ends by itself.
    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self, kind: InstrumentKind) -> SdkTemporality {
        self.0.temporality(kind)
    }
}
