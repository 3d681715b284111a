//! Which spans and events are looked at.

use crate::{plain, traced};
use otelier::prelude::*;
use otelier::testing::capture;
use tracing::level_filters::LevelFilter;
use tracing::{debug, debug_span, info, info_span};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterFn, Targets};
use tracing_subscriber::layer::SubscriberExt;

fn work() {
    info_span!("kept").in_scope(|| {
        debug!("left out");
        info!("told");
        debug_span!("left out").in_scope(|| {
            info!("told inside");
            trace_block!(name = "ours", {});
            info_span!("kept inside").in_scope(|| ());
        });
    });
}

const TREE: &str = "
    kept
      event told level=INFO target=tracing::filters
      event told inside level=INFO target=tracing::filters
      ours
      kept inside
    ";

#[test]
fn what_lies_below_a_span_that_is_left_out_belongs_to_the_next_one_out() {
    traced(plain().with_max_level(LevelFilter::INFO), work).assert_tree(TREE);
}

#[test]
fn any_filter_of_a_layer_works() {
    for filter in [
        FilterFn::new(|metadata| *metadata.level() <= tracing::Level::INFO).any(),
        LevelFilter::INFO.any(),
        Targets::new().with_target("tracing", LevelFilter::INFO).any(),
    ] {
        let subscriber = tracing_subscriber::registry().with(plain().with_filter(filter));
        capture(|| tracing::subscriber::with_default(subscriber, work)).assert_tree(TREE);
    }
}

trait AnyFilter<S> {
    fn any(self) -> Box<dyn tracing_subscriber::layer::Filter<S> + Send + Sync>;
}

impl<S, F: tracing_subscriber::layer::Filter<S> + Send + Sync + 'static> AnyFilter<S> for F {
    fn any(self) -> Box<dyn tracing_subscriber::layer::Filter<S> + Send + Sync> {
        Box::new(self)
    }
}

#[test]
fn targets_are_left_out_by_module_and_not_by_letters() {
    let spans = traced(plain().without_targets(["h2", "sqlx::query"]), || {
        info_span!(target: "h2", "left out").in_scope(|| ());
        info_span!(target: "h2::codec", "left out").in_scope(|| ());
        info_span!(target: "sqlx::query", "left out").in_scope(|| ());
        info_span!(target: "h2o", "kept").in_scope(|| info!(target: "h2::codec", "left out"));
        info_span!(target: "sqlx", "kept, too").in_scope(|| ());
    });
    spans.assert_tree("kept\nkept, too");
}

#[test]
fn what_opentelemetry_and_we_say_of_ourselves_is_left_out() {
    let spans = traced(plain(), || {
        info_span!("kept").in_scope(|| {
            info!(target: "opentelemetry_sdk", "left out");
            info!(target: "otelier", "left out");
            info!(target: "otelier_shop", "told");
        });
    });
    assert_eq!(spans.span("kept").events().map(|event| event.name()).collect::<Vec<_>>(), ["told"]);
}

#[test]
fn two_layers_make_no_span_twice() {
    let subscriber = tracing_subscriber::registry().with(plain()).with(plain());
    let spans = capture(|| {
        tracing::subscriber::with_default(subscriber, || {
            info_span!("once").in_scope(|| info_span!("inside").in_scope(|| ()))
        });
    });
    spans.assert_tree("once\n  inside");
}
