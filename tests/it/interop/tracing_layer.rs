//! Spans of `tracing` by our own layer, beside those by way of `tracing-opentelemetry`.

use super::setup::{Run, everywhere, tracer, with_tracing};
use opentelemetry::trace::Tracer;
use otelier::config::Hooks;
use otelier::prelude::*;
use tracing::info_span;
use tracing_subscriber::layer::SubscriberExt;

/// Runs `f` where spans of `tracing` become ours.
fn with_ours<T>(f: impl FnOnce() -> T) -> T {
    tracing::subscriber::with_default(tracing_subscriber::registry().with(otelier::tracing::layer()), f)
}

#[test]
fn spans_of_tracing_by_our_layer_nest_with_all_others() {
    everywhere(|run| {
        with_ours(|| {
            trace_block!(name = "a", {
                trace_block!(name = "b", {
                    info_span!("c of tracing").in_scope(|| {
                        trace_block!(name = "d", {
                            tracer().in_span("e of the API", |_| {
                                info_span!("f of tracing").in_scope(|| trace_block!(name = "g", {}));
                            });
                        });
                    });
                    trace_block!(name = "h", {});
                });
            });
        });
        run.expect(&[
            "a",
            "  b",
            "    c of tracing",
            "      d",
            "        e of the API",
            "          f of tracing",
            "            g",
            "    h",
        ]);
    });
}

#[test]
fn a_span_by_our_layer_that_is_entered_later_keeps_the_parent_of_its_making() {
    everywhere(|run| {
        with_ours(|| {
            trace_block!(name = "a", {
                let made = trace_block!(name = "b", { info_span!("made in b") });
                trace_block!(name = "c", {
                    made.in_scope(|| trace_block!(name = "d", {}));
                });
            });
        });
        run.expect(&["a", "  b", "    made in b", "      d", "  c"]);
    });
}

#[test]
fn our_layer_and_the_one_of_tracing_opentelemetry_nest_in_one_process() {
    everywhere(|run| {
        with_ours(|| {
            info_span!("ours").in_scope(|| {
                trace_block!(name = "a", {
                    with_tracing(|| {
                        info_span!("theirs").in_scope(|| {
                            trace_block!(name = "b", {
                                with_ours(|| info_span!("ours again").in_scope(|| trace_block!(name = "c", {})));
                            });
                        });
                    });
                });
            });
        });
        run.expect(&["ours", "  a", "    theirs", "      b", "        ours again", "          c"]);
    });
}

#[test]
fn both_layers_in_one_subscriber_make_every_span_twice() {
    let run = Run::start(Hooks::Global);
    let both = tracing_subscriber::registry()
        .with(tracing_opentelemetry::layer().with_tracer(tracer()))
        .with(otelier::tracing::layer());
    tracing::subscriber::with_default(both, || {
        info_span!("twice").in_scope(|| trace_block!(name = "once", {}));
    });
    let spans = run.spans();
    assert_eq!(spans.iter().filter(|span| span.name == "twice").count(), 2);
    assert_eq!(spans.iter().filter(|span| span.name == "once").count(), 1);
}
