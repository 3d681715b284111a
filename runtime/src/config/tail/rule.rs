//! A rule of tail sampling.

use crate::config::conditions::conditions;
use crate::config::{AttributePatterns, AttributeValues};
use crate::record::{Bucket, Grounds, Kept, Priority, Share, TailConditions, TailRuleNode, consistent_threshold};
use crate::schema::Kind;
use std::time::Duration;

/// A rule of [`TailSampling`](super::TailSampling): which spans it matches, and what happens to a trace with such a span.
///
/// All conditions that are set have to be met by one and the same span; a rule without any matches every trace.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TailRule {
    /// What the rule is called in `otelier.sampler.rule`, and in numbers. YAML: `name`.
    pub name: String,
    /// What happens to the traces that it matches. YAML: `keep`.
    pub keep: Keep,
    /// The span's status is an error, or it panicked. YAML: `failed`.
    pub failed: bool,
    /// The span took at least this long. YAML: `slower_than`.
    pub slower_than: Option<Duration>,
    /// The id of the span's schema matches one of these patterns, in which `*` stands for any number of characters and `?` for any
    /// one. A span without a schema matches none. YAML: `schemas`.
    pub schemas: Vec<String>,
    /// The span's name matches one of these patterns. YAML: `span_names`.
    pub span_names: Vec<String>,
    /// The span's kind is one of these. YAML: `span_kinds`.
    pub span_kinds: Vec<Kind>,
    /// The annotation's priority is at least this. YAML: `priority`.
    pub priority: Option<Priority>,
    /// Attributes that have one of these values each. YAML: `attribute_values`, one or a list.
    pub attribute_values: Vec<AttributeValues>,
    /// Attributes that match patterns each. YAML: `attribute_patterns`, one or a list.
    pub attribute_patterns: Vec<AttributePatterns>,
    /// Attributes that are numbers within bounds each. YAML: `attribute_ranges`, one or a list.
    pub attribute_ranges: Vec<AttributeRange>,
    /// The other side had enough of us: `http.response.status_code` is 429 or 418, `rpc.status_code` is `RESOURCE_EXHAUSTED` (or 8),
    /// `error.type` is one of these or `rate_limited`, or the span has an event `http.rate_limited` or `crypto.rate_limited`. YAML:
    /// `rate_limited`.
    pub rate_limited: bool,
    /// The `budget` or `slo` of the annotation was exceeded: `performance.budget.exceeded` is true or `performance.slo.compliant` is
    /// false. YAML: `budget_exceeded`.
    pub budget_exceeded: bool,
}

/// An attribute that is a number, and its bounds.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::exhaustive_structs)]
pub struct AttributeRange {
    /// The key of the attribute. YAML: `key`.
    pub key: String,
    /// The least that matches. YAML: `min`. Default: no such bound.
    pub min: Option<f64>,
    /// The most that matches. YAML: `max`. Default: no such bound.
    pub max: Option<f64>,
}

/// What happens to the traces that a rule matches. YAML: `always`, `never`, `{ratio: 0.1}`, `{traces_per_second: 5}`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Keep {
    /// All are kept.
    Always,
    /// None is.
    Never,
    /// This share, `0.0..=1.0`, chosen as by [`TailSampling::ratio`](super::TailSampling::ratio).
    Ratio(f64),
    /// So many a second, and at once no more than a second's worth: more than 0, at most 1,000,000,000.
    RateLimit(f64),
}

impl TailRule {
    /// A rule that matches every trace.
    pub fn new(name: impl Into<String>, keep: Keep) -> Self {
        Self {
            name: name.into(),
            keep,
            failed: false,
            slower_than: None,
            schemas: Vec::new(),
            span_names: Vec::new(),
            span_kinds: Vec::new(),
            priority: None,
            attribute_values: Vec::new(),
            attribute_patterns: Vec::new(),
            attribute_ranges: Vec::new(),
            rate_limited: false,
            budget_exceeded: false,
        }
    }

    /// Matches only spans whose status is an error, or that panicked.
    #[must_use]
    pub fn failed(mut self) -> Self {
        self.failed = true;
        self
    }

    /// Matches only spans that took at least this long.
    #[must_use]
    pub fn slower_than(mut self, duration: Duration) -> Self {
        self.slower_than = Some(duration);
        self
    }

    conditions!();

    /// Matches only spans whose answer was that there were too many requests; see [`rate_limited`](Self#structfield.rate_limited).
    #[must_use]
    pub fn rate_limited(mut self) -> Self {
        self.rate_limited = true;
        self
    }

    /// Matches only spans that took longer than their `budget` or `slo` allows.
    #[must_use]
    pub fn budget_exceeded(mut self) -> Self {
        self.budget_exceeded = true;
        self
    }

    /// Matches only spans for one of these users: `user.id`.
    #[must_use]
    pub fn users<V: Into<String>>(self, users: impl IntoIterator<Item = V>) -> Self {
        self.attribute_is("user.id", users)
    }

    /// Matches only spans for one of these tenants: `business.tenant.id`.
    #[must_use]
    pub fn tenants<V: Into<String>>(self, tenants: impl IntoIterator<Item = V>) -> Self {
        self.attribute_is("business.tenant.id", tenants)
    }

    /// Matches only spans for customers of one of these tiers: `business.customer.tier`.
    #[must_use]
    pub fn tiers<V: Into<String>>(self, tiers: impl IntoIterator<Item = V>) -> Self {
        self.attribute_is("business.customer.tier", tiers)
    }

    /// Matches only spans that are worth at least this: `business.value`.
    #[must_use]
    pub fn value_at_least(self, value: f64) -> Self {
        self.attribute_at_least("business.value", value)
    }

    /// What decides. To be called on what was checked.
    pub(super) fn node(&self) -> TailRuleNode {
        let (share, threshold) = match self.keep {
            Keep::Always => (Share::Always, Some(0)),
            Keep::Never => (Share::Never, None),
            Keep::Ratio(ratio) => (Share::Threshold(consistent_threshold(ratio)), Some(consistent_threshold(ratio))),
            Keep::RateLimit(per_second) => (Share::RateLimit(Bucket::new(per_second)), None),
        };
        let grounds = Grounds { rule: Some(self.name.as_str().into()), ..Grounds::new(Kept::Tail, threshold) };
        TailRuleNode {
            grounds: grounds.number(),
            failed: self.failed,
            nanos: self.slower_than.map(|limit| u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX)),
            when: self.conditions(),
            share,
        }
    }

    fn conditions(&self) -> TailConditions {
        let ranges = self.attribute_ranges.iter().map(AttributeRange::node);
        let values = self.attribute_values.iter().map(AttributeValues::node);
        let patterns = self.attribute_patterns.iter().map(AttributePatterns::node);
        TailConditions {
            kinds: self.span_kinds.clone(),
            priority: self.priority,
            schemas: self.schemas.iter().collect(),
            names: self.span_names.iter().collect(),
            attributes: ranges.chain(values).chain(patterns).collect(),
            rate_limited: self.rate_limited,
            budget_exceeded: self.budget_exceeded,
        }
    }
}
