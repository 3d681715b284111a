//! The load: traces of which a hundredth fail, a two-hundredth are slow and a thousandth are of users who matter; and what has to
//! have arrived of it.

use crate::support::{Draw, Recorder};
use otelier::config::{Keep, TailRule, TailSampling};
use otelier::prelude::*;
use otelier::{Span, Telemetry};
use std::time::{Duration, SystemTime};

pub const TRACES: usize = 100_000;

/// Of what nothing else keeps.
pub const RATIO: f64 = 0.2;

/// Traces between two flushes, so that the queue's limit plays no part.
pub const BATCH: usize = 4000;

/// What is slow. Nothing else takes so long, however busy the machine is.
const SLOW: Duration = Duration::from_secs(300);

const CRITICAL: [&str; 3] = ["ada", "grace", "edsger"];

/// A trace that is to be made.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub number: usize,
    /// At least two.
    pub children: usize,
    pub fails: bool,
    pub slow: bool,
    pub user: Option<&'static str>,
}

impl Plan {
    pub fn spans(&self) -> usize {
        self.children + 1
    }

    pub fn user(&self) -> &'static str {
        self.user.unwrap_or("somebody")
    }

    /// The rule that keeps it.
    fn rule(&self) -> Option<&'static str> {
        let rules = [(self.fails, "errors"), (self.slow, "slow"), (self.user.is_some(), "users")];
        rules.into_iter().find_map(|(matches, rule)| matches.then_some(rule))
    }
}

/// The same for each seed.
pub fn plans(seed: u64) -> Vec<Plan> {
    let mut draw = Draw::new(seed);
    let plan = |number| Plan {
        number,
        children: 2 + draw.below(5) as usize,
        fails: draw.per_mille(10),
        slow: draw.per_mille(5),
        user: draw.per_mille(1).then(|| CRITICAL[draw.below(3) as usize]),
    };
    (0..TRACES).map(plan).collect()
}

pub fn settings() -> Telemetry {
    let tail = TailSampling::new(RATIO)
        .with_rule(TailRule::new("errors", Keep::Always).failed())
        .with_rule(TailRule::new("slow", Keep::Always).slower_than(SLOW))
        .with_rule(TailRule::new("users", Keep::Always).attribute_is("user.id", CRITICAL));
    Telemetry::default().with_tail_sampling(tail)
}

/// A child of whatever span is active: the first may be slow, and the last may fail.
pub fn child(plan: Plan, number: usize) {
    if plan.slow && number == 0 {
        slow(plan.number);
    } else if plan.fails && number + 1 == plan.children {
        let _ = fails(plan.number);
    } else {
        step(plan.number);
    }
}

#[trace(app.trace = number)]
fn step(number: usize) {}

#[trace(app.trace = number)]
fn fails(number: usize) -> Result<(), String> {
    Err("on purpose".to_owned())
}

/// A span whose times somebody else has measured.
fn slow(number: usize) {
    let end = SystemTime::now();
    let span = Span::builder("slow").attribute("app.trace", number).start_time(end - 2 * SLOW).start();
    span.end_at(end);
}

/// All that matters arrived, everything that arrived is whole, and of the rest as much arrived as was asked for.
#[track_caller]
pub fn check(plans: &[Plan], recorder: Recorder) {
    check_with_late(plans, recorder, 0);
}

/// The same where so many spans at most begin after their trace was decided: if that was against it, they do not begin at all.
#[track_caller]
pub fn check_with_late(plans: &[Plan], recorder: Recorder, late: usize) {
    let (seen, stats) = recorder.finish();
    let made: usize = plans.iter().map(Plan::spans).sum();
    let arrived: usize = seen.values().map(|seen| seen.spans).sum();
    let lost_otherwise = stats.dropped() - stats.dropped_by_tail_sampling;
    assert_eq!((stats.open, lost_otherwise, stats.tail_overflows), (0, 0, 0), "{stats:?}");

    let partial: Vec<_> = plans
        .iter()
        .filter_map(|plan| seen.get(&plan.number).map(|seen| (plan, seen)))
        .filter(|(plan, seen)| (seen.spans, seen.roots, seen.traces.len()) != (plan.spans(), 1, 1))
        .collect();
    assert!(partial.is_empty(), "{} traces are not whole: {:?}", partial.len(), &partial[..partial.len().min(3)]);
    for rule in ["errors", "slow", "users"] {
        let wanted = plans.iter().filter(|plan| plan.rule() == Some(rule));
        let missing = wanted.clone().filter(|plan| !seen.contains_key(&plan.number)).count();
        assert_eq!(missing, 0, "of {} traces that `{rule}` keeps", wanted.count());
    }
    let all = made as u64;
    assert_eq!(stats.started, arrived as u64 + stats.dropped_by_tail_sampling, "{stats:?}");
    assert!((all - late as u64..=all).contains(&stats.started), "{all} were made: {stats:?}");

    let target = |of: fn(&Plan) -> usize| {
        let each = |plan: &Plan| of(plan) as f64 * if plan.rule().is_some() { 1.0 } else { RATIO };
        plans.iter().map(each).sum::<f64>()
    };
    for (what, found, target) in [("traces", seen.len(), target(|_| 1)), ("spans", arrived, target(Plan::spans))] {
        let off = found as f64 / target - 1.0;
        assert!(off.abs() < 0.05, "{found} {what} arrived, and {target:.0} should have");
    }
}

/// Every trace says by which rule it was kept, or that it was the ratio, and how likely that was.
#[track_caller]
pub fn check_grounds(plans: &[Plan], recorder: Recorder) {
    let (seen, _) = recorder.finish();
    assert!(!seen.is_empty());
    for plan in plans {
        let Some(seen) = seen.get(&plan.number) else { continue };
        let (reason, wanted) = if plan.rule().is_some() { ("tail.rule", 1.0) } else { ("tail.ratio", RATIO) };
        assert_eq!((seen.rule.as_deref(), seen.reason.as_deref()), (plan.rule(), Some(reason)), "{plan:?}");
        let probability = seen.probability.unwrap_or(f64::NAN);
        // Thresholds have four digits that say something.
        assert!((probability - wanted).abs() < 1e-4, "{plan:?} was kept with {probability}");
    }
}
