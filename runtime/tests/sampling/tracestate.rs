//! What goes out in `tracestate`, in headers and on spans, as the specification of probability sampling has it: its table of
//! thresholds, what becomes of `th` and `rv` of a parent, and the flag of W3C's level 2 that says that an id is random.
//!
//! <https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/> and
//! <https://opentelemetry.io/docs/specs/otel/trace/tracestate-handling/>.

use crate::support::turn;
use opentelemetry_sdk::trace::InMemorySpanExporter;
use otelier::config::{Composable, Sampler};
use otelier::prelude::*;
use otelier::{Pipeline, Telemetry, propagation};

/// `1 in N`, and the threshold with the four digits that the specification recommends.
const TABLE: [(u32, &str); 13] = [
    (1, "0"),
    (2, "8"),
    (3, "aaab"),
    (4, "c"),
    (5, "cccd"),
    (8, "e"),
    (10, "e666"),
    (16, "f"),
    (100, "fd70a"),
    (1000, "ffbe77"),
    (10_000, "fff9724"),
    (100_000, "ffff583a"),
    (1_000_000, "ffffef39"),
];

const MOST: u64 = (1 << 56) - 1;

/// A request that comes with these headers; what goes out with a call from within.
#[trace(parent = headers)]
fn request(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    call()
}

#[trace(kind = client)]
fn call() -> Vec<(String, String)> {
    propagation::headers()
}

/// What became of a request.
#[derive(Debug, PartialEq, Eq)]
struct Out {
    /// The flags at the end of `traceparent`.
    flags: String,
    /// The header.
    state: String,
    /// The `tracestate` of each span that was exported, which is the same.
    spans: Vec<String>,
}

impl Out {
    fn is_kept(&self) -> bool {
        !self.spans.is_empty()
    }
}

fn send(sampler: &Sampler, headers: &[(&str, &str)]) -> Out {
    let memory = InMemorySpanExporter::default();
    let settings = Telemetry::default().with_sampler(sampler.clone());
    let telemetry = Pipeline::new(settings).with_span_exporter(memory.clone()).start().expect("it starts");
    let sent = request(headers);
    telemetry.force_flush(crate::support::PATIENCE).expect("nothing takes so long");
    let spans = memory.get_finished_spans().expect("spans");
    telemetry.shutdown().expect("in time");
    let header = |name: &str| sent.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone());
    let traceparent = header("traceparent").expect("a trace goes on, kept or not");
    let out = Out {
        flags: traceparent.rsplit('-').next().unwrap_or_default().to_owned(),
        state: header("tracestate").unwrap_or_default(),
        spans: spans.iter().map(|span| span.span_context.trace_state().header()).collect(),
    };
    assert!(out.spans.is_empty() || out.spans == [out.state.clone(), out.state.clone()], "{out:?}");
    assert_eq!(out.is_kept(), out.flags.ends_with(['1', '3']), "{out:?}");
    out
}

/// A request of a trace with this randomness in its id.
fn sent(sampler: &Sampler, random: u64, flags: &str, state: &str) -> Out {
    let parent = format!("00-0af7651916cd43dd84{random:014x}-b7ad6b7169203331-{flags}");
    send(sampler, &[("traceparent", &parent), ("tracestate", state)])
}

fn parent_threshold(root: Composable) -> Sampler {
    Sampler::Composite(Composable::ParentThreshold(Box::new(root)))
}

/// The number that a threshold stands for.
fn threshold(digits: &str) -> u64 {
    u64::from_str_radix(&format!("{digits:0<14}"), 16).expect("hexadecimal digits")
}

#[test]
fn of_every_ratio_of_the_table_the_threshold_goes_out_and_is_what_decides() {
    let _turn = turn();
    for (one_in, digits) in TABLE {
        let ratio = 1.0 / f64::from(one_in);
        let least = threshold(digits);
        for sampler in [Sampler::Probability(ratio), Sampler::Composite(Composable::Probability(ratio))] {
            for random in [least, MOST] {
                let out = sent(&sampler, random, "03", "");
                assert!(out.is_kept(), "1 in {one_in}, {random:x}");
                assert_eq!(out.state, format!("ot=th:{digits}"), "1 in {one_in}");
            }
            if let Some(random) = least.checked_sub(1) {
                let out = sent(&sampler, random, "03", "");
                assert_eq!((out.is_kept(), &*out.state, &*out.flags), (false, "", "02"), "1 in {one_in}");
            }
        }
    }
}

#[test]
fn of_a_trace_that_begins_here_the_threshold_goes_out_and_the_id_is_random() {
    let _turn = turn();
    for (ratio, state) in [(1.0, "ot=th:0"), (0.5, "ot=th:8"), (0.1, "ot=th:e666")] {
        // Of so many roots one is kept, but once in a million times a million runs.
        let kept = (0..300).map(|_| send(&Sampler::Probability(ratio), &[])).find(Out::is_kept);
        let out = kept.expect("one of them");
        assert_eq!((&*out.flags, &*out.state), ("03", state));
    }
    assert_eq!(send(&Sampler::Probability(0.0), &[]).spans, [""; 0]);
}

#[test]
fn explicit_randomness_decides_in_place_of_the_id_and_goes_on_as_it_came() {
    let _turn = turn();
    let half = Sampler::Probability(0.5);
    for flags in ["00", "01", "02", "03"] {
        let kept = sent(&half, 0, flags, "ot=rv:80000000000000");
        assert_eq!((kept.is_kept(), &*kept.state), (true, "ot=th:8;rv:80000000000000"), "{flags}");
        let refused = sent(&half, MOST, flags, "ot=rv:7fffffffffffff");
        assert_eq!((refused.is_kept(), &*refused.state), (false, "ot=rv:7fffffffffffff"), "{flags}");
    }
    // Fewer digits than fourteen, or more, or others, are no randomness: then it is the id's.
    for wrong in [
        "ot=rv:8",
        "ot=rv:0000000000000",
        "ot=rv:000000000000000",
        "ot=rv:0000000000000g",
        "ot=rv:0000000000000A",
        "ot=rv:",
    ] {
        assert!(sent(&half, MOST, "03", wrong).is_kept(), "{wrong}");
        assert!(!sent(&half, 0, "03", wrong).is_kept(), "{wrong}");
    }
}

/// The example of the specification, which says with which thresholds it is kept: up to the randomness itself.
#[test]
fn explicit_randomness_is_kept_by_every_threshold_up_to_itself() {
    let _turn = turn();
    let rv = "6e6d1a75832a2f";
    let follows = parent_threshold(Composable::AlwaysOff);
    for (threshold, agrees) in [("0", true), ("6e6d1a75832a2f", true), ("6e6d1a75832a3", false), ("6f", false)] {
        let out = sent(&follows, 0, "03", &format!("ot=th:{threshold};rv:{rv}"));
        let goes = if agrees { format!("ot=th:{threshold};rv:{rv}") } else { format!("ot=rv:{rv}") };
        assert_eq!((out.is_kept(), out.state), (true, goes), "{threshold}");
    }
    let least = 1.0 - u64::from_str_radix(rv, 16).map_or(f64::NAN, |rv| rv as f64 / (MOST + 1) as f64);
    for (ratio, keeps) in [(1.0, true), (least + 0.001, true), (least - 0.001, false), (0.1, false)] {
        let out = sent(&Sampler::Probability(ratio), 0, "03", &format!("ot=rv:{rv}"));
        assert_eq!(out.is_kept(), keeps, "{ratio}");
        assert!(out.state.ends_with(&format!("rv:{rv}")), "{out:?}");
    }
}

#[test]
fn a_parents_threshold_is_handed_on_where_it_agrees_with_its_decision_and_goes_where_it_does_not() {
    let _turn = turn();
    let follows = parent_threshold(Composable::AlwaysOff);
    let rv = "rv:c0000000000000";
    for (flags, came, kept, goes) in [
        // Kept with a quarter, and the randomness reaches that.
        ("03", format!("ot=th:c;{rv}"), true, format!("ot=th:c;{rv}")),
        ("03", format!("ot=th:0;{rv}"), true, format!("ot=th:0;{rv}")),
        ("03", format!("ot={rv};th:c000"), true, format!("ot=th:c;{rv}")),
        // Kept, although the randomness does not reach it.
        ("03", format!("ot=th:c0000000000001;{rv}"), true, format!("ot={rv}")),
        // Kept, and nobody knows how likely that was.
        ("03", format!("ot={rv}"), true, format!("ot={rv}")),
        ("01", String::new(), true, String::new()),
        // Refused: nothing that it stands for.
        ("02", format!("ot=th:c0000000000001;{rv}"), false, format!("ot={rv}")),
        ("02", format!("ot={rv}"), false, format!("ot={rv}")),
        // Refused, although the randomness reaches it: what was decided counts.
        ("02", format!("ot=th:c;{rv}"), false, format!("ot={rv}")),
    ] {
        let out = sent(&follows, 0, flags, &came);
        assert_eq!((out.is_kept(), &*out.state, &*out.flags), (kept, &*goes, flags), "{flags} {came}");
    }
}

#[test]
fn a_sampler_of_its_own_probability_replaces_the_parents_threshold() {
    let _turn = turn();
    for came in ["ot=th:0", "ot=th:8", "ot=th:ff"] {
        let tenth = sent(&Sampler::Probability(0.1), MOST, "03", came);
        assert_eq!(tenth.state, "ot=th:e666", "{came}");
        let all = sent(&Sampler::Composite(Composable::AlwaysOn), 0, "02", came);
        assert_eq!((all.is_kept(), &*all.state, &*all.flags), (true, "ot=th:0", "03"), "{came}");
        let none = sent(&Sampler::Composite(Composable::AlwaysOff), MOST, "03", came);
        assert_eq!((none.is_kept(), &*none.state), (false, ""), "{came}");
    }
}

#[test]
fn what_others_have_written_stays_and_ours_comes_first() {
    let _turn = turn();
    let tenth = Sampler::Probability(0.1);
    let out = sent(&tenth, MOST, "03", "congo=t61rcWkgMzE,ot=k1:13;th:8;p:8,rojo=00f067aa0ba902b7");
    assert_eq!(out.state, "ot=th:e666;k1:13;p:8,congo=t61rcWkgMzE,rojo=00f067aa0ba902b7");
    let out = sent(&tenth, 0, "03", "congo=t61rcWkgMzE,ot=th:8,rojo=00f067aa0ba902b7");
    assert_eq!(out.state, "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7");
}

#[test]
fn thresholds_that_cannot_be_read_are_no_thresholds() {
    let _turn = turn();
    let follows = parent_threshold(Composable::AlwaysOff);
    for wrong in ["ot=th:", "ot=th:g", "ot=th:000000000000000", "ot=th:-1", "ot=th:0x8"] {
        let out = sent(&follows, MOST, "03", wrong);
        assert_eq!((out.is_kept(), &*out.state), (true, ""), "{wrong}");
    }
}

#[test]
fn whether_an_id_is_random_is_told_as_it_was_heard() {
    let _turn = turn();
    for (came, goes) in [("01", "01"), ("03", "03"), ("00", "01"), ("02", "03")] {
        assert_eq!(sent(&Sampler::Probability(1.0), MOST, came, "").flags, goes, "{came}");
    }
}
