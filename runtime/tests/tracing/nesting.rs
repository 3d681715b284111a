//! Whose child a span is.

use crate::{one_thread, plain, plainly};
use opentelemetry::trace::{TraceContextExt, Tracer};
use opentelemetry::{Context, global};
use otelier::Span;
use otelier::prelude::*;
use otelier::testing::capture_async;
use tracing::{Instrument, info_span, instrument};
use tracing_subscriber::layer::SubscriberExt;

#[trace]
fn ours<T>(f: impl FnOnce() -> T) -> T {
    f()
}

#[trace]
fn ours_too<T>(f: impl FnOnce() -> T) -> T {
    f()
}

#[test]
fn annotated_functions_tracing_and_the_api_nest_in_one_trace() {
    plainly(|| {
        ours(|| {
            ours_too(|| {
                info_span!("tracing").in_scope(|| {
                    ours(|| {
                        ours_too(|| {
                            global::tracer("library").in_span("api", |_| {
                                info_span!("tracing again").in_scope(|| {
                                    Span::start("by hand")
                                        .in_scope(|| info_span!("innermost").in_scope(|| ours(|| ())));
                                });
                            });
                        });
                    });
                });
                ours(|| ());
            });
        });
    })
    .assert_tree(
        "
        ours
          ours_too
            tracing
              ours
                ours_too
                  api
                    tracing again
                      by hand
                        innermost
                          ours
            ours
        ",
    );
}

#[test]
fn a_span_belongs_to_what_is_active_where_it_is_made_and_not_where_it_is_entered() {
    plainly(|| {
        ours(|| {
            let made = ours_too(|| info_span!("made in ours_too"));
            Span::start("elsewhere").in_scope(|| made.in_scope(|| ours(|| ())));
            made.in_scope(|| ());
        });
    })
    .assert_tree(
        "
        ours
          ours_too
            made in ours_too
              ours
          elsewhere
        ",
    );
}

#[test]
fn a_span_made_in_a_root_and_entered_below_a_lazy_span_belongs_to_the_root() {
    plainly(|| {
        ours(|| {
            let made = info_span!("made in ours");
            ours_too(|| made.in_scope(|| ()));
        });
    })
    .assert_tree(
        "
        ours
          made in ours
          ours_too
        ",
    );
}

#[test]
fn an_explicit_parent_wins_and_none_begins_a_trace() {
    let spans = plainly(|| {
        let parent = info_span!("parent");
        ours(|| {
            info_span!(parent: &parent, "explicit").in_scope(|| ours_too(|| ()));
            info_span!(parent: None, "root").in_scope(|| ());
        });
    });
    spans.span("parent").is_root().child("explicit").child("ours_too");
    spans.span("ours").is_root().has_children([]);
    spans.span("root").is_root();
}

#[test]
fn an_explicit_parent_that_was_never_entered_is_a_parent_all_the_same() {
    plainly(|| {
        let parent = info_span!("parent");
        let child = info_span!(parent: &parent, "child");
        info_span!(parent: &child, "grandchild").in_scope(|| ());
    })
    .assert_tree(
        "
        parent
          child
            grandchild
        ",
    );
}

#[test]
fn the_context_of_opentelemetry_has_the_span_that_is_entered() {
    plainly(|| {
        let span = info_span!("entered");
        span.in_scope(|| {
            assert_eq!(Context::current().span().span_context(), otelier::current_context().span().span_context());
            Context::current().span().set_attribute(opentelemetry::KeyValue::new("app.by", "api"));
            otelier::current_span().set_attribute("app.by_us", 1);
        });
        assert!(!Context::current().has_active_span());
    })
    .assert_tree("entered app.by=api app.by_us=1");
}

#[instrument]
async fn fetch(part: u32) {
    tokio::task::yield_now().await;
    store(part).await;
}

#[trace(app.part = part)]
async fn store(part: u32) {
    tokio::task::yield_now().await;
    info_span!("write").in_scope(|| ours(|| ()));
}

#[trace]
async fn all() {
    let (one, two) = (fetch(1), fetch(2));
    // Polled in turns, so that each is left in the middle of the other.
    let mut both = std::pin::pin!(async { tokio::join!(one, two) });
    both.as_mut().await;
}

#[test]
fn futures_that_are_polled_in_turns_keep_their_own_parents() {
    let captured = one_thread().block_on(capture_async(async {
        let _default = tracing::subscriber::set_default(tracing_subscriber::registry().with(plain()));
        all().await;
        assert!(!Context::current().has_active_span());
    }));
    captured.assert_tree(
        "
        all
          fetch part=1
            store app.part=1
              write
                ours
          fetch part=2
            store app.part=2
              write
                ours
        ",
    );
}

#[test]
fn a_future_that_is_dropped_half_way_ends_its_span_and_leaves_nothing_behind() {
    let captured = one_thread().block_on(capture_async(async {
        let _default = tracing::subscriber::set_default(tracing_subscriber::registry().with(plain()));
        let pending = std::future::pending::<()>().instrument(info_span!("cancelled"));
        let _ = tokio::time::timeout(std::time::Duration::ZERO, pending).await;
        assert!(!Context::current().has_active_span());
        ours(|| ());
    }));
    captured.assert_tree("cancelled\nours");
}
