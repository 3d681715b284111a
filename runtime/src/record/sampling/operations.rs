//! A share of the traces for each operation, and at least so many a second of each.

use super::bucket::{Bucket, SchemaBuckets};
use super::node::{Answer, Asked, Outcome, ratio_number};
use super::{RANDOM_MASK, reaches, threshold};
use std::collections::HashMap;
use std::sync::Arc;

/// Thresholds by the name of the trace's first span here.
#[derive(Debug)]
pub(crate) struct Operations {
    by_name: HashMap<Box<str>, Operation>,
    /// Of every other name.
    other: u64,
    /// How many traces a second are kept of each name at least, whatever its threshold; 0 for none.
    at_least: f64,
    /// Of the names that are not listed; there is one if there is such a number.
    others: Option<Arc<SchemaBuckets>>,
}

#[derive(Debug)]
struct Operation {
    threshold: u64,
    at_least: Option<Arc<Bucket>>,
}

impl Operations {
    /// A ratio for each of these names and one for every other, and how many traces a second are kept at least of each. What
    /// `before` has used up of that number in this second stays used up.
    pub(crate) fn new<'a>(
        ratios: impl Iterator<Item = (&'a str, f64)>,
        other: f64,
        at_least: f64,
        before: Option<&Self>,
    ) -> Self {
        let before = before.filter(|before| before.at_least == at_least);
        let is_some = at_least > 0.0;
        let bucket = |name| {
            let known = before.and_then(|before| before.by_name.get(name)?.at_least.clone());
            is_some.then(|| known.unwrap_or_else(|| Arc::new(Bucket::new(at_least))))
        };
        let by_name = ratios
            .map(|(name, ratio)| (name.into(), Operation { threshold: threshold(ratio), at_least: bucket(name) }));
        let by_name = by_name.collect();
        let others = before.and_then(|before| before.others.clone());
        let others = is_some.then(|| others.unwrap_or_else(|| Arc::new(SchemaBuckets::new(at_least))));
        Self { by_name, other: threshold(other), at_least, others }
    }

    fn threshold_of(&self, name: &str) -> u64 {
        self.by_name.get(name).map_or(self.other, |operation| operation.threshold)
    }

    /// Why traces are kept, of all that may be.
    pub(super) fn enter_grounds(&self) {
        let thresholds = self.by_name.values().map(|operation| operation.threshold).chain([self.other]);
        thresholds.filter(|threshold| *threshold <= RANDOM_MASK).for_each(|threshold| _ = ratio_number(threshold));
        if self.at_least > 0.0 {
            let _ = Answer::rate_limit(true);
        }
    }

    /// What it says to every trace that begins under a name, if that is one thing.
    pub(super) fn outcome(&self, asked: &Asked<'_>) -> Option<Outcome> {
        (self.at_least == 0.0).then(|| Outcome::ratio(self.threshold_of(asked.who.name)))
    }

    pub(super) fn ask(&self, asked: &Asked<'_>) -> Answer {
        let name = asked.who.name;
        let (threshold, has_token) = match self.by_name.get(name) {
            // What the ratio keeps counts, too: at least so many in all.
            Some(Operation { threshold, at_least }) => {
                (*threshold, at_least.as_ref().is_some_and(|bucket| bucket.take_in(asked.now)))
            }
            None => (self.other, self.others.as_ref().is_some_and(|others| others.take_in(Some(name), asked.now))),
        };
        if has_token && !reaches(asked.trace.1, threshold) {
            return Answer::rate_limit(true);
        }
        Answer::ratio(asked, threshold)
    }
}

#[cfg(test)]
mod tests {
    use super::super::grounds::{Grounds, Kept};
    use super::super::node::{Node, Reason};
    use super::super::rules::Who;
    use super::*;
    use crate::record::Callsite;
    use opentelemetry::trace::SpanContext;
    use otelier_spec::Kind;

    static SITE: Callsite = Callsite::new("listed", Kind::Internal);

    const SECOND: u64 = 1_000_000_000;

    /// Whether a trace is kept that begins under this name, and why or why not; its random part is the largest or the least.
    fn decided(operations: &Arc<Operations>, name: &str, is_lucky: bool, now: u64) -> (bool, Reason) {
        let who = Who { name, ..Who::from(&SITE) };
        let trace = (1, if is_lucky { RANDOM_MASK } else { 1 });
        let asked = Asked { now: Some(now), ..Asked::new(trace, &SpanContext::NONE, who) };
        let answer = Node::Operations(Arc::clone(operations)).ask(&asked);
        let kept = Grounds::of(answer.grounds).map(|grounds| grounds.kept);
        assert_eq!(kept.is_some(), answer.sampled, "what is kept says why");
        assert!(kept.is_none_or(|kept| (kept == Kept::Ratio) == (answer.reason == Reason::Ratio)));
        (answer.sampled, answer.reason)
    }

    fn operations(ratios: &[(&str, f64)], other: f64, at_least: f64, before: Option<&Operations>) -> Arc<Operations> {
        Arc::new(Operations::new(ratios.iter().copied(), other, at_least, before))
    }

    #[test]
    fn each_name_has_its_ratio_and_characters_of_patterns_mean_themselves() {
        let all = operations(&[("GET /users/*", 0.5), ("never", 0.0)], 0.25, 0.0, None);
        assert_eq!(decided(&all, "GET /users/*", true, 0), (true, Reason::Ratio));
        assert_eq!(all.threshold_of("GET /users/*"), threshold(0.5));
        assert_eq!(all.threshold_of("GET /users/7"), threshold(0.25));
        assert_eq!(decided(&all, "never", true, 0), (false, Reason::Ratio));
        assert_eq!(decided(&all, "other", false, 0), (false, Reason::Ratio));
    }

    #[test]
    fn each_name_has_so_many_a_second_and_what_the_ratio_keeps_is_among_them() {
        let all = operations(&[("listed", 0.5), ("busy", 0.5)], 0.0, 2.0, None);
        for name in ["listed", "unlisted", "another"] {
            assert_eq!(decided(&all, name, false, 0), (true, Reason::RateLimit), "{name}");
            assert_eq!(decided(&all, name, false, 0), (true, Reason::RateLimit), "{name}");
            assert_eq!(decided(&all, name, false, 0), (false, Reason::Ratio), "{name}");
        }
        assert_eq!(decided(&all, "busy", true, 0), (true, Reason::Ratio));
        assert_eq!(decided(&all, "busy", true, 0), (true, Reason::Ratio));
        assert_eq!(decided(&all, "busy", false, 0), (false, Reason::Ratio), "there are as many already");
        assert_eq!(decided(&all, "busy", true, 0), (true, Reason::Ratio), "a ratio has no upper bound");
        assert_eq!(decided(&all, "busy", false, 2 * SECOND), (true, Reason::RateLimit));
    }

    #[test]
    fn another_ratio_does_not_fill_what_was_used_up() {
        let first = operations(&[("listed", 0.1)], 0.1, 1.0, None);
        for name in ["listed", "unlisted"] {
            assert!(decided(&first, name, false, 0).0);
        }
        let second = operations(&[("listed", 0.2), ("new", 0.2)], 0.3, 1.0, Some(&first));
        let kept = |operations, name| decided(operations, name, false, 0).0;
        assert_eq!(["listed", "unlisted", "new"].map(|name| kept(&second, name)), [false, false, true]);
        let third = operations(&[("listed", 0.2)], 0.3, 2.0, Some(&second));
        assert!(kept(&third, "listed"), "another number begins anew");
    }

    #[test]
    fn without_a_least_number_a_name_has_one_outcome() {
        let outcome = |operations: &Arc<Operations>| {
            let node = Node::Operations(Arc::clone(operations));
            let asked = Asked::new((1, 1), &SpanContext::NONE, (&SITE).into());
            node.outcome(&asked).map(|outcome| (outcome.threshold, outcome.reason))
        };
        assert_eq!(outcome(&operations(&[("listed", 0.5)], 1.0, 0.0, None)), Some((threshold(0.5), Reason::Ratio)));
        assert_eq!(outcome(&operations(&[("listed", 0.5)], 1.0, 0.1, None)), None);
    }
}
