//! What a server of sampling strategies says to keep, and what sampler that is.
//!
//! The answers are those of Jaeger's `sampling.proto` in JSON. Where implementations differ, this reads as Go's does: what
//! `operationSampling` says wins over the rest, and the least number of traces holds for operations that are not listed, too.

mod answer;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;

pub(crate) use answer::read;

use crate::record::{Bucket, Node, Operations, threshold};
use std::fmt::{self, Write};
use std::sync::Arc;

/// The most bytes of an answer.
pub(crate) const LONGEST: usize = 1 << 20;

/// What to keep.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Strategy {
    /// This share of the traces.
    Ratio(f64),
    /// So many a second.
    RateLimit(f64),
    PerOperation(PerOperation),
}

/// A share for each operation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PerOperation {
    /// By name, in order, none twice.
    ratios: Vec<(String, f64)>,
    /// Of every other.
    other: f64,
    /// So many traces a second of each, whatever the share.
    at_least: f64,
}

/// A strategy that was answered.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) strategy: Strategy,
    /// Kept, as it knows what was used up in this second.
    operations: Option<Arc<Operations>>,
}

impl Known {
    /// A strategy that is known from now on, in place of another.
    pub(crate) fn new(strategy: Strategy, before: Option<&Self>) -> Self {
        let operations = match &strategy {
            Strategy::PerOperation(PerOperation { ratios, other, at_least }) => {
                let ratios = ratios.iter().map(|(name, ratio)| (name.as_str(), *ratio));
                let before = before.and_then(|before| before.operations.as_deref());
                Some(Arc::new(Operations::new(ratios, *other, *at_least, before)))
            }
            Strategy::Ratio(_) | Strategy::RateLimit(_) => None,
        };
        Self { strategy, operations }
    }

    /// What decides.
    pub(crate) fn node(&self) -> Node {
        match (&self.strategy, &self.operations) {
            (_, Some(operations)) => Node::Operations(Arc::clone(operations)),
            (Strategy::RateLimit(per_second), _) if *per_second > 0.0 => Node::RateLimit(Bucket::new(*per_second)),
            (Strategy::Ratio(ratio), _) => Node::Ratio(threshold(*ratio)),
            (Strategy::RateLimit(_) | Strategy::PerOperation(_), None) => Node::AlwaysOff,
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ratio(ratio) => write!(f, "a ratio of {ratio}"),
            Self::RateLimit(per_second) => write!(f, "at most {per_second} traces a second"),
            Self::PerOperation(PerOperation { ratios, other, at_least }) => {
                write!(f, "ratios for {} operations and {other} for others", ratios.len())?;
                if *at_least > 0.0 {
                    write!(f, ", at least {at_least} traces a second of each")?;
                }
                Ok(())
            }
        }
    }
}

impl Strategy {
    /// What is said where this takes the place of another one.
    pub(crate) fn after(&self, before: Option<&Self>) -> String {
        let Some(before) = before else { return self.to_string() };
        let mut text = format!("{self}; before {before}");
        let (Self::PerOperation(now), Self::PerOperation(then)) = (self, before) else { return text };
        let ratio = |of: &PerOperation, name: &String| {
            of.ratios.binary_search_by(|(known, _)| known.cmp(name)).ok().map(|place| of.ratios[place].1)
        };
        let changed = now.ratios.iter().filter_map(|(name, new)| {
            let old = ratio(then, name);
            (old != Some(*new)).then(|| format!("`{}` {new}", short(name)))
        });
        let gone = then.ratios.iter().filter(|(name, _)| ratio(now, name).is_none());
        add_list(&mut text, "; new: ", changed);
        add_list(&mut text, "; not listed any more: ", gone.map(|(name, _)| format!("`{}`", short(name))));
        text
    }
}

/// Adds a few of these.
fn add_list(text: &mut String, what: &str, mut all: impl Iterator<Item = String>) {
    const MOST: usize = 5;
    let first: Vec<_> = all.by_ref().take(MOST).collect();
    if first.is_empty() {
        return;
    }
    text.push_str(what);
    text.push_str(&first.join(", "));
    let more = all.count();
    if more > 0 {
        let _ = write!(text, " and {more} more");
    }
}

/// What a server said, as short text.
fn short(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut chars = text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c });
    let mut short: String = chars.by_ref().take(LONGEST).collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn per_operation(ratios: &[(&str, f64)], other: f64, at_least: f64) -> Strategy {
        let ratios = ratios.iter().map(|(name, ratio)| ((*name).to_owned(), *ratio)).collect();
        Strategy::PerOperation(PerOperation { ratios, other, at_least })
    }

    #[test]
    fn a_strategy_becomes_the_sampler_that_does_the_same() {
        let node = |strategy| Known::new(strategy, None).node();
        assert!(matches!(node(Strategy::Ratio(0.25)), Node::Ratio(found) if found == threshold(0.25)));
        assert!(matches!(node(Strategy::RateLimit(0.5)), Node::RateLimit(_)));
        assert!(matches!(node(Strategy::RateLimit(0.0)), Node::AlwaysOff));
        assert!(matches!(node(per_operation(&[("a", 1.0)], 0.5, 0.1)), Node::Operations(_)));
    }

    #[test]
    fn what_has_changed_is_said_and_only_a_few_of_many() {
        let ratio = Strategy::Ratio(0.25);
        assert_eq!(ratio.after(None), "a ratio of 0.25");
        let limit = Strategy::RateLimit(5.0);
        assert_eq!(limit.after(Some(&ratio)), "at most 5 traces a second; before a ratio of 0.25");
        let old = per_operation(&[("a", 0.1), ("b", 0.5), ("c\u{1b}", 0.5)], 0.5, 0.0);
        let new = per_operation(&[("a", 0.2), ("b", 0.5), ("d", 1.0)], 0.5, 2.0);
        assert_eq!(
            new.after(Some(&old)),
            "ratios for 3 operations and 0.5 for others, at least 2 traces a second of each; before ratios for 3 operations and \
             0.5 for others; new: `a` 0.2, `d` 1; not listed any more: `c\u{fffd}`"
        );
        let names: Vec<_> = (0..9).map(|number| format!("{number}")).collect();
        let many: Vec<_> = names.iter().map(|name| (name.as_str(), 0.5)).collect();
        let text = per_operation(&many, 0.5, 0.0).after(Some(&per_operation(&[], 0.5, 0.0)));
        assert!(text.ends_with("; new: `0` 0.5, `1` 0.5, `2` 0.5, `3` 0.5, `4` 0.5 and 4 more"), "{text}");
        assert_eq!(short(&"x".repeat(100)).chars().count(), 61);
    }
}
