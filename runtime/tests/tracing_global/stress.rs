//! Spans that are made, entered, left, recorded on and closed in any order on several threads.

use crate::everywhere;
use opentelemetry::Context;
use opentelemetry::trace::{SpanId, TraceContextExt};
use otelier::prelude::*;
use otelier::testing::capture;
use std::collections::HashSet;
use tracing::span::EnteredSpan;
use tracing::{Span, info, info_span};

/// Numbers that are the same in every run (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ mixed >> 31) % limit as u64) as usize
    }
}

const STEPS: usize = if cfg!(miri) { 60 } else { 500 };

/// Walks at random; how many spans of `tracing` it made.
fn walk(numbers: &mut Numbers, depth: usize, steps: usize, shared: &Span) -> usize {
    let mut made = 0;
    let mut spans: Vec<Span> = vec![shared.clone()];
    let mut entered: Vec<EnteredSpan> = Vec::new();
    for _ in 0..steps {
        match numbers.below(11) {
            0 | 1 if spans.len() < 20 => {
                made += 1;
                let at = numbers.below(spans.len());
                spans.push(match numbers.below(3) {
                    0 => info_span!("walked", step = 1, late = tracing::field::Empty),
                    1 => info_span!(parent: &spans[at], "walked"),
                    _ => info_span!(parent: None, "walked"),
                });
            }
            2 | 3 if entered.len() < 30 => {
                let at = numbers.below(spans.len());
                entered.push(spans[at].clone().entered());
            }
            4 | 5 if !entered.is_empty() => {
                let at = numbers.below(entered.len());
                drop(entered.swap_remove(at));
            }
            6 if spans.len() > 1 => {
                let at = 1 + numbers.below(spans.len() - 1);
                drop(spans.swap_remove(at));
            }
            7 => {
                let at = numbers.below(spans.len());
                spans[at].record("late", numbers.below(100));
            }
            8 => info!(step = 1, "told"),
            9 if depth < 4 => {
                made += trace_block!(name = "ours", { walk(numbers, depth + 1, steps / 16, shared) });
            }
            _ => {
                let at = numbers.below(spans.len());
                let to = numbers.below(spans.len());
                spans[at].follows_from(&spans[to]);
            }
        }
    }
    while !entered.is_empty() {
        let at = numbers.below(entered.len());
        drop(entered.swap_remove(at));
    }
    made
}

#[test]
fn after_any_order_the_threads_are_clean_and_every_span_is_whole() {
    everywhere();
    let captured = capture(|| {
        let shared = info_span!("shared");
        let walks = (1..=4).map(|seed| {
            let shared = shared.clone();
            otelier::with_current_context(move || {
                let made = walk(&mut Numbers(seed), 0, STEPS, &shared);
                assert!(!Context::current().has_active_span(), "seed {seed} leaves a span behind");
                assert!(!otelier::bridge::current_span_context().is_valid(), "seed {seed} leaves a span active");
                trace_block!(name = "afterwards", {});
                made
            })
        });
        let threads: Vec<_> = walks.map(std::thread::spawn).collect();
        threads.into_iter().map(|thread| thread.join().expect("nothing panics")).sum::<usize>()
    });
    assert_eq!(captured.named("walked").count(), captured.value);
    assert_eq!(captured.named("shared").count(), 1);
    let known: HashSet<_> =
        captured.data().map(|span| (span.span_context.trace_id(), span.span_context.span_id())).collect();
    assert_eq!(known.len(), captured.len(), "two spans have the same ids");
    for span in captured.data() {
        assert!(span.span_context.is_valid());
        assert!(span.end_time >= span.start_time);
        let parent = (span.span_context.trace_id(), span.parent_span_id);
        assert!(span.parent_span_id == SpanId::INVALID || known.contains(&parent), "{} has no parent", span.name);
    }
    assert!(captured.named("afterwards").all(|span| span.parent().is_none()));
}
