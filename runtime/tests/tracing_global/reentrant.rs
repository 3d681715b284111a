//! Values whose text is made by code that is traced itself.

use crate::everywhere;
use otelier::prelude::*;
use otelier::testing::capture;
use std::fmt;
use tracing::field::{Empty, debug};
use tracing::{Span, info, info_span};

/// Makes, enters, leaves and records on spans of both kinds.
struct Traced;

impl fmt::Debug for Traced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        info_span!("inside").in_scope(|| info!("told inside"));
        Span::current().record("rows", 1);
        info!("told around");
        trace_block!(name = "ours inside", {});
        f.write_str("traced")
    }
}

#[test]
fn a_value_that_makes_spans_itself_holds_nothing_up() {
    everywhere();
    let spans = capture(|| {
        let outer = info_span!("outer", value = Empty, rows = Empty);
        outer.in_scope(|| {
            outer.record("value", debug(Traced));
            info!(value = ?Traced, "event");
            drop(info_span!("child", value = ?Traced));
        });
    });
    let outer = spans.span("outer").has("value", "traced").has("rows", 1).has_event("told around");
    outer.event("event").has("value", "traced");
    spans.span("child").has("value", "traced");
    assert_eq!(spans.named("inside").filter(|span| span.events().count() == 1).count(), 3);
    assert_eq!(spans.named("ours inside").count(), 3);
}

/// Panics in the middle of its text.
struct Panics;

impl fmt::Debug for Panics {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("on purpose")
    }
}

#[test]
fn a_value_that_panics_spoils_nothing_but_itself() {
    everywhere();
    let spans = capture(|| {
        let outer = info_span!("outer", value = Empty);
        let caught = |f: &dyn Fn()| std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).is_err();
        assert!(outer.in_scope(|| caught(&|| info!(value = ?Panics, "event"))));
        assert!(caught(&|| _ = outer.record("value", debug(Panics))));
        outer.in_scope(|| trace_block!(name = "goes on", {}));
    });
    spans.assert_tree("outer\n  goes on");
}
