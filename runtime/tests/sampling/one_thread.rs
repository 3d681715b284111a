//! Traces that stay on one thread.

use crate::load::{self, BATCH, Plan, check, check_grounds, plans};
use crate::support::Recorder;
use otelier::prelude::*;

#[trace(app.trace = plan.number, user.id = plan.user())]
pub fn request(plan: Plan) {
    (0..plan.children).for_each(|number| load::child(plan, number));
}

fn run(plans: &[Plan]) -> Recorder {
    let recorder = Recorder::with(load::settings());
    for batch in plans.chunks(BATCH) {
        batch.iter().for_each(|plan| request(*plan));
        recorder.flush();
    }
    recorder
}

#[test]
fn of_a_mixed_load_all_that_matters_is_kept_whole_and_of_the_rest_what_was_asked_for() {
    let plans = plans(1);
    check(&plans, run(&plans));
}

#[test]
fn every_trace_of_a_mixed_load_says_which_rule_has_kept_it() {
    let plans = &plans(2)[..10_000];
    check_grounds(plans, run(plans));
}

#[test]
fn what_a_ratio_keeps_depends_on_the_trace_id_alone() {
    let parent = |number: usize| {
        let mut draw = crate::support::Draw::new(number as u64);
        format!("00-{:016x}{:016x}-00000000000000b7-03", draw.next(), draw.next())
    };
    let plans = &plans(3)[..10_000];
    let kept = || {
        let recorder = Recorder::with(load::settings());
        for plan in plans {
            below(&parent(plan.number), plan.number);
        }
        let (seen, _) = recorder.finish();
        let mut kept: Vec<usize> = seen.into_keys().collect();
        kept.sort_unstable();
        kept
    };
    let (first, again) = (kept(), kept());
    assert!(first == again, "{} and {} traces", first.len(), again.len());
    assert!((1800..=2200).contains(&first.len()), "{} of 10,000", first.len());
}

#[trace(parent = parent, app.trace = number)]
fn below(parent: &str, number: usize) {}
