//! What of a finished trace decides whether it is kept: rules in their order, the first that matches, and a share of the rest.
//!
//! ```text
//! each finished span ──► see: has it failed, is it long enough for any rule?   (two comparisons; mostly the end)
//!                          │ yes, or some rule asks for neither
//!                          ▼
//!                        which rules can match a span of this call site at all?   (found once per call site)
//!                          │ those
//!                          ▼
//!                        the conditions of each, cheapest first
//! ```

mod conditions;
mod sites;
#[cfg(test)]
mod tests;

pub(crate) use conditions::Conditions;

use super::super::Priority;
use super::super::sampling::{Bucket, Grounds, GroundsNumber, Kept, reaches};
use super::super::view::Value;
use otelier_spec::Kind;
use sites::{ALL, Sites};
use std::time::Duration;

/// A finished span, as rules look at it.
pub(crate) trait Subject {
    /// Whether its status is an error, or it panicked.
    fn failed(&self) -> bool;
    /// How long it took, in nanoseconds.
    fn nanos(&self) -> u64;
    /// The id of its schema; empty if it has none.
    fn schema(&self) -> &str;
    /// Gives `f` its name.
    fn with_name(&self, f: &mut dyn FnMut(&str));
    fn kind(&self) -> Kind;
    fn priority(&self) -> Priority;
    /// Whether it has an attribute with this key of whose value `is` says so.
    fn has(&self, key: &str, is: &mut dyn FnMut(Value<'_>) -> bool) -> bool;
    /// Whether it has an event of this name.
    fn has_event(&self, name: &str) -> bool {
        let _ = name;
        false
    }
    /// Whether it may have an attribute with this key: `false` only if it certainly has none. Asked once for all spans of a
    /// [site](Self::site).
    fn may_have(&self, key: &str) -> bool {
        let _ = key;
        true
    }
    /// A number that it shares only with spans of which `schema`, `kind`, `priority` and `may_have` say the same: the address
    /// of its call site, if that settles all of them. Neither 0 nor 1.
    fn site(&self) -> Option<usize> {
        None
    }
}

/// What happens to the traces that a rule matches.
#[derive(Debug)]
pub(crate) enum Share {
    Always,
    Never,
    /// Those whose randomness reaches this.
    Threshold(u64),
    RateLimit(Bucket),
}

/// A rule. All of its conditions have to be met by one and the same span.
#[derive(Debug)]
pub(crate) struct Rule {
    /// The number of what there is to say of a trace that is kept.
    pub(crate) grounds: GroundsNumber,
    pub(crate) failed: bool,
    pub(crate) nanos: Option<u64>,
    /// Everything else.
    pub(crate) when: Conditions,
    pub(crate) share: Share,
}

/// All rules.
#[derive(Debug)]
pub(crate) struct TailPolicy {
    pub(crate) rules: Box<[Rule]>,
    /// Of traces that no rule matches: those whose randomness reaches this are kept.
    pub(crate) otherwise: u64,
    pub(crate) otherwise_grounds: GroundsNumber,
    /// No rule matches a span that has not failed and took less than this.
    least_nanos: u64,
    /// Rules that ask neither for a failure nor for a time, of the first 64.
    untimed: u64,
    /// No rule that asks for a time and not for a failure matches a span that took less than this.
    least_timed: u64,
    /// How many rules at the beginning keep everything that they match.
    settled: usize,
    sites: Sites,
}

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) keep: bool,
    /// Why, if it is kept.
    pub(crate) grounds: GroundsNumber,
    /// The rule that decided; `None` if none matched.
    pub(crate) rule: Option<usize>,
}

impl Rule {
    #[inline]
    fn matches(&self, span: &impl Subject, failed: bool, nanos: u64) -> bool {
        (failed || !self.failed) && self.nanos.is_none_or(|least| nanos >= least) && self.when.are_met_by(span)
    }
}

impl TailPolicy {
    pub(crate) fn new(rules: Vec<Rule>, otherwise: u64) -> Self {
        let otherwise_grounds = Grounds::new(Kept::TailRatio, Some(otherwise)).number();
        let least = |rule: &Rule| if rule.failed { u64::MAX } else { rule.nanos.unwrap_or(0) };
        Self {
            least_nanos: rules.iter().map(least).min().unwrap_or(u64::MAX),
            untimed: (rules.iter().take(64).enumerate())
                .filter(|(_, rule)| !rule.failed && rule.nanos.is_none())
                .fold(0, |bits, (number, _)| bits | 1 << number),
            least_timed: rules
                .iter()
                .filter(|rule| !rule.failed)
                .filter_map(|rule| rule.nanos)
                .min()
                .unwrap_or(u64::MAX),
            settled: rules.iter().take_while(|rule| matches!(rule.share, Share::Always)).count(),
            sites: Sites::new(rules.iter().any(|rule| rule.when.depend_on_the_site())),
            rules: rules.into(),
            otherwise,
            otherwise_grounds,
        }
    }

    /// The first rule that matches, now that this span is known, too; `found` is the first of those that were known. The
    /// number of rules stands for none.
    #[inline]
    pub(crate) fn see(&self, found: usize, span: &impl Subject) -> usize {
        let (failed, nanos) = (span.failed(), span.nanos());
        // Most spans are neither failed nor slow.
        if !failed && nanos < self.least_nanos { found } else { self.look(found, span, failed, nanos) }
    }

    /// No rule that asks for a time, and not for a failure, matches a span that took less than this, in nanoseconds.
    pub(crate) fn least_timed(&self) -> u64 {
        self.least_timed
    }

    /// Rules before this one that may match a span that is neither failed nor slow, if all have bits.
    #[inline]
    fn untimed_before(&self, found: usize) -> u64 {
        self.untimed & u32::try_from(found).ok().and_then(|found| 1_u64.checked_shl(found)).map_or(ALL, |bit| bit - 1)
    }

    /// Whether no rule before this one matches a span that is neither failed nor slow.
    #[inline]
    pub(crate) fn asks_only_failures_and_times(&self, found: usize) -> bool {
        self.untimed_before(found) == 0 && self.rules.len() <= 64
    }

    /// The same as [`see`](Self::see) for a span with nothing but its call site's own, at this address; and whether no rule before
    /// the one that is found then matches another such span that is neither failed nor slow.
    pub(crate) fn see_plain(&self, found: usize, span: &impl Subject, site: usize) -> (usize, bool) {
        if self.rules.len() > 64 {
            return (self.see(found, span), false);
        }
        let (failed, nanos) = (span.failed(), span.nanos());
        let possible = self.sites.get(site, || self.possible(span));
        let is_over = !failed && nanos < self.least_nanos;
        let found = if is_over { found } else { self.look_among(possible, found, span, failed, nanos) };
        (found, possible & self.untimed_before(found) == 0)
    }

    #[inline(never)]
    fn look(&self, found: usize, span: &impl Subject, failed: bool, nanos: u64) -> usize {
        let possible = match span.site() {
            Some(site) if found > 0 => self.sites.get(site, || self.possible(span)),
            _ => ALL,
        };
        self.look_among(possible, found, span, failed, nanos)
    }

    #[inline]
    fn look_among(&self, possible: u64, found: usize, span: &impl Subject, failed: bool, nanos: u64) -> usize {
        // Of a span that is neither failed nor slow only some rules are left.
        let is_quiet = !failed && nanos < self.least_timed && self.rules.len() <= 64;
        let possible = if is_quiet { possible & self.untimed } else { possible };
        if possible == 0 {
            return found;
        }
        let may_match = |number: usize| u32::try_from(number).ok().and_then(|bit| 1_u64.checked_shl(bit));
        let rules = self.rules[..found.min(self.rules.len())].iter().enumerate();
        let mut those = rules.filter(|(number, _)| may_match(*number).is_none_or(|bit| possible & bit != 0));
        those.find(|(_, rule)| rule.matches(span, failed, nanos)).map_or(found, |(number, _)| number)
    }

    /// Which rules can match a span of this call site: a bit for each of the first 64. Those behind them may all.
    fn possible(&self, span: &impl Subject) -> u64 {
        if self.rules.len() > 64 {
            // There is no bit that could be left out.
            return ALL;
        }
        let bits = self.rules.iter().enumerate().filter(|(_, rule)| rule.when.can_be_met_by(span));
        bits.fold(0, |bits, (number, _)| bits | 1 << number)
    }

    /// The same for a span that has not ended after this time, of which nothing else is known.
    pub(crate) fn see_open(&self, found: usize, age: Duration) -> usize {
        let nanos = u64::try_from(age.as_nanos()).unwrap_or(u64::MAX);
        let is_slow = |rule: &Rule| !rule.failed && rule.nanos.is_some_and(|limit| nanos >= limit);
        self.rules[..found].iter().position(is_slow).unwrap_or(found)
    }

    /// Whether a trace of which this rule was found is kept whatever its other spans are.
    #[inline]
    pub(crate) fn is_settled(&self, found: usize) -> bool {
        found < self.settled
    }

    /// Decides on a trace with this first rule. `now` is for who simulates; without it, it is now.
    pub(crate) fn decide(&self, found: usize, trace_low: u64, now: Option<u64>) -> Decision {
        let Some(rule) = self.rules.get(found) else {
            return Decision { keep: reaches(trace_low, self.otherwise), grounds: self.otherwise_grounds, rule: None };
        };
        let keep = match &rule.share {
            Share::Always => true,
            Share::Never => false,
            Share::Threshold(threshold) => reaches(trace_low, *threshold),
            Share::RateLimit(bucket) => bucket.take_in(now),
        };
        Decision { keep, grounds: rule.grounds, rule: Some(found) }
    }
}
