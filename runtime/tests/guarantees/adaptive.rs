//! The sampler that follows the load.

use crate::support::{Gate, PATIENCE, Recorder, start, turn, wait_until};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use otelier::Telemetry;
use otelier::config::{Adaptive, ParentBased, Sampler};
use otelier::prelude::*;

/// The machine that runs the tests may be busy.
fn deaf() -> Adaptive {
    let mut adaptive = Adaptive::default();
    (adaptive.cpu_threshold, adaptive.memory_threshold) = (100.0, 100.0);
    adaptive
}

fn adaptive(change: impl FnOnce(&mut Adaptive)) -> Telemetry {
    let mut settings = deaf();
    change(&mut settings);
    Telemetry::default().with_sampler(Sampler::Adaptive(settings))
}

#[trace_workflow(crypto.workflow_name = "daily")]
fn workflow() {
    fetch();
    plain();
}

#[trace_exchange_api(crypto.market = Market::Binance, url.template = "/api/v3/klines")]
fn fetch() {}

#[trace_ingestion(crypto.data_type = DataType::Klines, crypto.record_count = records)]
fn ingest(records: i64) {}

#[trace_storage(storage.operation = StorageOperation::Put, lakehouse.layer = Layer::Bronze)]
fn store() {}

#[trace]
fn plain() {}

#[trace(sample = always)]
fn hinted() {}

#[trace_storage(
    storage.operation = StorageOperation::Put, lakehouse.layer = Layer::Bronze, crypto.data_size_bytes = size
)]
fn store_bytes(size: i64) {}

#[trace]
fn fail() -> Result<(), std::io::Error> {
    Err(std::io::Error::other("it always does"))
}

/// An exporter that keeps nothing.
#[derive(Debug)]
struct Silent;

impl SpanExporter for Silent {
    async fn export(&self, _batch: Vec<SpanData>) -> OTelSdkResult {
        Ok(())
    }
}

/// An exporter that fails.
#[derive(Debug)]
struct Refuses;

impl SpanExporter for Refuses {
    async fn export(&self, _batch: Vec<SpanData>) -> OTelSdkResult {
        Err(OTelSdkError::InternalFailure("refused".to_owned()))
    }
}

fn remote(trace: u128, flags: TraceFlags) -> Context {
    let span = SpanContext::new(TraceId::from(trace), SpanId::from(8), flags, true, TraceState::NONE);
    Context::new().with_remote_span_context(span)
}

#[test]
fn a_workflow_is_always_kept_whole_and_others_by_their_ratio() {
    let recorder = Recorder::with(adaptive(|_| ()));
    let health = recorder.telemetry().health();
    assert_eq!((health.sampling_factor, health.sampling_boost), (Some(1.0), Some(1.0)));
    const TIMES: usize = 1_000;
    for _ in 0..TIMES {
        fetch();
        store();
        plain();
        ingest(10);
        ingest(1_000_000);
    }
    (0..20).for_each(|_| workflow());
    let counts = recorder.telemetry().sampling_counts().expect("they are counted");
    let spans = recorder.spans();
    let of = |name: &str| spans.iter().filter(|span| span.name.starts_with(name)).count();
    assert_eq!(of("workflow"), 20);
    // What workflows call is kept with them.
    for (name, ratio, below) in [("binance", 0.3, 20), ("put", 0.2, 0), ("plain", 0.1, 20), ("ingest", 0.35, 0)] {
        let (found, expected) = ((of(name) - below) as f64, ratio * TIMES as f64);
        assert!((found - expected).abs() < 100.0, "{name}: {found} of {TIMES}, expected {expected}");
    }
    let entered = (TIMES * 5 + 20) as u64;
    assert_eq!((counts.kept + counts.by_ratio, counts.by_load), (entered, 0), "{counts:?}");
}

#[test]
fn ingestion_is_judged_by_the_records_it_is_given() {
    let recorder = Recorder::with(adaptive(|settings| {
        (settings.ingestion_ratio, settings.high_volume_ratio, settings.ratio) = (1.0, 0.0, 0.0);
    }));
    for records in [1_000_000, 100_000, 1_000, 1] {
        ingest(records);
    }
    plain();
    hinted();
    recorder.expect(&[
        "ingest klines crypto.operation_type=data_ingestion crypto.processing_stage=ingestion crypto.data_type=klines \
         crypto.record_count=1000",
        "ingest klines crypto.operation_type=data_ingestion crypto.processing_stage=ingestion crypto.data_type=klines \
         crypto.record_count=1",
        "hinted",
    ]);
}

#[test]
fn who_calls_has_decided_unless_the_settings_say_otherwise() {
    let nothing = |settings: &mut Adaptive| settings.ratio = 0.0;
    let recorder = Recorder::with(adaptive(nothing));
    let mut below = deaf();
    nothing(&mut below);
    let strict = Sampler::ParentBased(Box::new(ParentBased {
        remote_parent_sampled: Sampler::Adaptive(below.clone()),
        ..ParentBased::new(Sampler::Adaptive(below))
    }));
    for strict in [None, Some(strict)] {
        if let Some(strict) = strict {
            recorder.telemetry().set_sampler(strict).expect("it can be used");
        }
        for (trace, flags) in [(5, TraceFlags::SAMPLED), (6, TraceFlags::NOT_SAMPLED)] {
            let _attached = remote(trace, flags).attach();
            plain();
        }
    }
    let counts = recorder.telemetry().sampling_counts().expect("they are counted");
    assert_eq!((counts.kept, counts.by_ratio, counts.by_parent), (0, 1, 1), "{counts:?}");
    recorder.expect(&["plain [remote parent]"]);
}

#[test]
fn a_full_queue_lowers_the_factor_which_outlives_a_change_of_settings_and_comes_back() {
    let _turn = turn();
    let gate = Gate::default();
    let settings = adaptive(|settings| settings.ratio = 1.0);
    let telemetry = start(settings.clone(), gate.clone());
    let looker = telemetry.health_handle();
    let factor = || looker.health().sampling_factor.expect("it is adaptive");
    while telemetry.health().queue.share() <= 0.45 {
        (0..100).for_each(|_| plain());
    }
    gate.wait_for_a_batch();
    wait_until("the factor falls", || factor() < 1.0);
    gate.open();
    let before = factor();
    let Sampler::Adaptive(mut other) = settings.sampler.clone() else { unreachable!("it is adaptive") };
    other.ratio = 0.9;
    let other = settings.clone().with_sampler(Sampler::Adaptive(other));
    telemetry.reload(&other).expect("it can change");
    assert_eq!(factor(), before);
    let json = telemetry.health().to_json();
    assert!(json.contains(&format!("\"sampling_factor\":{before},")), "{json}");
    (0..1_000).for_each(|_| plain());
    let counts = telemetry.sampling_counts().expect("they are counted");
    assert!(counts.by_load > 0 && counts.by_ratio > 0 && counts.by_extreme_load == 0, "{counts:?}");
    wait_until("the factor rises", || factor() > before);
    assert!(factor() < 1.0);
    telemetry.shutdown().expect("the pipeline ends in time");
    assert_eq!(looker.health().sampling_factor, None);
    let next = start(settings, gate);
    assert_eq!(next.health().sampling_factor, Some(1.0), "the load was the other pipeline's");
    next.set_sampler(Sampler::default()).expect("it can change");
    assert_eq!(next.health().sampling_factor, None);
    next.shutdown().expect("the pipeline ends in time");
}

#[test]
fn storage_is_judged_by_the_size_it_is_given() {
    let recorder = Recorder::with(adaptive(|settings| {
        (settings.storage_ratio, settings.large_file_ratio) = (1.0, 0.0);
    }));
    [1 << 40, 1 << 30, 1 << 20, 1].into_iter().for_each(store_bytes);
    store();
    let sizes = |span: &SpanData| {
        let found = span.attributes.iter().find(|attribute| attribute.key.as_str() == "crypto.data_size_bytes");
        found.map(|attribute| attribute.value.to_string())
    };
    let found: Vec<_> = recorder.spans().iter().map(sizes).collect();
    assert_eq!(found, [Some("1048576".to_owned()), Some("1".to_owned()), None]);
}

#[test]
fn a_target_rate_refuses_what_is_above_it_and_says_so() {
    let _turn = turn();
    let settings = adaptive(|settings| (settings.ratio, settings.traces_per_second) = (1.0, Some(10.0)));
    let telemetry = start(settings, Silent);
    let factor = || telemetry.health().sampling_factor.expect("it is adaptive");
    assert_eq!(factor(), 1.0);
    wait_until("the factor falls", || {
        (0..100).for_each(|_| plain());
        factor() < 0.2
    });
    (0..1_000).for_each(|_| plain());
    let counts = telemetry.sampling_counts().expect("they are counted");
    assert!(counts.by_target > 100 && counts.by_load == 0 && counts.by_extreme_load == 0, "{counts:?}");
    telemetry.shutdown().expect("the pipeline ends in time");
}

#[test]
fn traces_that_fail_raise_the_ratio() {
    let recorder = Recorder::with(adaptive(|settings| settings.ratio = 0.5));
    let refused = || recorder.telemetry().sampling_counts().expect("they are counted").by_ratio;
    let looker = recorder.telemetry().health_handle();
    wait_until("every trace is kept", || {
        let before = refused();
        (0..50).for_each(|_| assert!(fail().is_err()));
        recorder.telemetry().force_flush(PATIENCE).expect("it is exported");
        refused() == before
    });
    wait_until("health says so", || {
        (0..50).for_each(|_| assert!(fail().is_err()));
        recorder.telemetry().force_flush(PATIENCE).expect("it is exported");
        looker.health().sampling_boost == Some(4.0)
    });
    let health = looker.health();
    assert_eq!((health.sampling_factor, health.status), (Some(1.0), otelier::health::Status::Ok), "{health:?}");
    assert!(
        health.to_json().contains(r#","sampling_factor":1,"sampling_boost":4,"exporters""#),
        "{}",
        health.to_json()
    );
    recorder.telemetry().set_sampler(Sampler::AlwaysOn).expect("it is one");
    assert_eq!(looker.health().sampling_boost, None, "it is the adaptive sampler's");
    recorder.spans();
    assert_eq!(looker.health().sampling_boost, None);
}

#[test]
fn exports_that_fail_lower_the_factor() {
    let _turn = turn();
    let telemetry = start(adaptive(|settings| settings.ratio = 1.0), Refuses);
    wait_until("the factor falls", || {
        (0..10).for_each(|_| plain());
        let _ = telemetry.force_flush(PATIENCE);
        telemetry.health().sampling_factor.is_some_and(|factor| factor < 1.0)
    });
    (0..1_000).for_each(|_| plain());
    let counts = telemetry.sampling_counts().expect("they are counted");
    assert!(counts.by_load > 0 && counts.by_target == 0, "{counts:?}");
    let _ = telemetry.shutdown();
}
