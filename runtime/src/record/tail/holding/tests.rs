use super::super::policy::{Conditions, Rule, Share, TailPolicy};
use super::super::{Counts, TailSettings};
use super::*;
use crate::record::view::head;
use crate::record::{Callsite, flag};
use otelier_spec::Kind;

static SITE: Callsite = Callsite::new("work", Kind::Internal);

/// Keeps what fails, and holds back for a minute.
fn installed() -> Installed {
    let failed = Rule {
        grounds: Grounds { rule: Some("errors".into()), ..Grounds::new(Kept::Tail, Some(0)) }.number(),
        failed: true,
        nanos: None,
        when: Conditions::default(),
        share: Share::Always,
    };
    let minute = Duration::from_secs(60);
    let policy = TailPolicy::new(vec![failed], 1 << 56);
    let settings = TailSettings { policy, decide_after: minute, remember: minute, max_bytes: 1 << 30 };
    Installed { settings, counts: Counts::new(1), generation: 1, remember: 1000, quiet_ticks: 0 }
}

fn record(trace: Trace, is_root: bool, fails: bool) -> Vec<u64> {
    let mut head = head(&SITE, trace, 1, 0, 0, 1, if fails { flag::FAILED } else { 0 }, 0);
    head[0] |= if is_root { head_bits::LOCAL_ROOT } else { 0 };
    head.to_vec()
}

/// Ids that no other test has.
fn trace(test: u64, number: u64) -> Trace {
    (0x7e57 << 32 | test, number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

#[test]
fn what_waits_long_lets_nothing_pile_up_behind_it() {
    let (installed, mut holding, now) = (installed(), Holding::default(), Instant::now());
    holding.take_by(&installed, &record(trace(1, 0), false, false), now);
    for number in 1..20_000 {
        // One that is kept at once, and one that is over.
        holding.take_by(&installed, &record(trace(1, number), true, true), now);
        assert!(holding.ended.is_empty(), "it is decided");
        holding.take_by(&installed, &record(trace(2, number), true, false), now);
        holding.ended.clear();
        holding.decide(&installed, trace(2, number), Cause::Over, now);
    }
    assert_eq!(holding.traces.len(), 1);
    assert!(holding.order.len() < 200, "{}", holding.order.len());
    assert!(holding.remembered.len() <= MOST_DECIDED && holding.decided.len() <= MOST_DECIDED);
}

#[test]
fn what_a_thread_has_decided_holds_for_the_part_that_it_did_not_see() {
    let (installed, mut holding, now) = (installed(), Holding::default(), Instant::now());
    for number in 0..3 {
        holding.take_by(&installed, &record(trace(3, number), false, false), now);
    }
    let reason = Grounds::new(Kept::TailRatio, Some(1 << 55)).number();
    DECISIONS.note(trace(3, 0), Known::Kept(reason), clock::now());
    DECISIONS.note(trace(3, 1), Known::Dropped, clock::now());
    (0..3).for_each(|number| holding.decide(&installed, trace(3, number), Cause::Unfinished, now));
    let released = holding.released();
    assert_eq!((released.len(), released[3]), (8, trace(3, 0).1));
    assert_eq!(head_bits::grounds_of(released[0]), reason);
    let read = |number: &std::sync::atomic::AtomicU64| number.load(Relaxed);
    let counts = &installed.counts;
    assert_eq!((read(&counts.late[0]), read(&counts.late[1]), read(&counts.unfinished)), (1, 1, 1));
}

#[test]
fn settings_that_are_taken_away_while_traces_are_over_stop_nobody() {
    let (installed, mut holding, now) = (installed(), Holding::default(), Instant::now());
    holding.take_by(&installed, &record(trace(4, 0), true, false), now);
    let ended = holding.ended();
    holding.release_all();
    holding.decide_ended(ended, now);
    assert_eq!(holding.released().len(), 8);
}

#[test]
fn a_trace_that_comes_in_again_is_decided_again_and_one_that_is_only_late_is_not() {
    let (installed, mut holding, now) = (installed(), Holding::default(), Instant::now());
    for number in 0..2 {
        holding.take_by(&installed, &record(trace(5, number), true, false), now);
        holding.decide(&installed, trace(5, number), Cause::Over, now);
    }
    DECISIONS.note(trace(5, 0), Known::Shared, clock::now());
    for number in 0..2 {
        holding.take_by(&installed, &record(trace(5, number), false, false), now);
        holding.take_by(&installed, &record(trace(5, number), true, true), now);
    }
    let released = holding.released();
    let of = |number| released.chunks(8).filter(|record| record[3] == trace(5, number).1).count();
    assert_eq!((of(0), of(1)), (2, 1));
}

#[test]
fn what_is_held_back_counts_with_all_the_room_that_it_takes() {
    let (installed, mut holding, now) = (installed(), Holding::default(), Instant::now());
    for number in 0..100 {
        for _ in 0..9 {
            holding.take_by(&installed, &record(trace(6, number), false, false), now);
        }
    }
    let room: usize = holding.traces.values().map(|pending| pending.words.capacity() * 8).sum();
    assert!(holding.bytes >= room, "{} bytes are counted, and {room} are taken", holding.bytes);
    (0..100).for_each(|number| holding.decide(&installed, trace(6, number), Cause::Over, now));
    assert_eq!(holding.bytes, 0, "what was counted is given back");
}
