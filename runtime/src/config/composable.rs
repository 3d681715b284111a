//! Samplers that can be composed, and rules.

use super::conditions::conditions;
use super::sampler::Place;
use super::tail::AttributeRange;
use crate::ConfigError;
use crate::record::{self, Bucket, Composed, Match, Parent, Priority, RuleNode, SchemaBuckets};
use crate::schema::Kind;

/// A sampler inside of [`Sampler::Composite`](super::Sampler::Composite): it says from which threshold on traces are kept, and
/// the composition decides. YAML: what stands below `composite/development`.
///
/// A trace that is kept tells the threshold to whoever comes after, as `ot=th:…` in its `tracestate`, unless nobody can say how
/// many traces one that is kept stands for: with [`RateLimit`](Self::RateLimit) and
/// [`RateLimitPerSchema`](Self::RateLimitPerSchema), and below a parent that does not tell.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Composable {
    /// Every trace. YAML: `always_on`.
    AlwaysOn,
    /// No trace. YAML: `always_off`.
    AlwaysOff,
    /// This share of the traces, `0.0..=1.0`. YAML: `probability`, with `ratio`, default 1.0.
    Probability(f64),
    /// As the parent decided, and with the threshold that it told; where there is no parent, by the sampler inside. YAML:
    /// `parent_threshold`, with `root`.
    ///
    /// A parent that tells no threshold, or one that contradicts its own decision, is followed all the same, and nothing is told
    /// from there on.
    ParentThreshold(Box<Composable>),
    /// The sampler of the first rule that matches; no trace if none does. There is at least one. YAML: `rule_based`, with
    /// `rules`.
    RuleBased(Vec<Rule>),
    /// So many traces a second; see [`Sampler::RateLimit`](super::Sampler::RateLimit). Inside of a rule, a limit for what the
    /// rule matches. This is Otelier's own. YAML: `otelier/rate_limit`, with `traces_per_second`.
    RateLimit(f64),
    /// So many traces a second for each schema; see [`Sampler::RateLimitPerSchema`](super::Sampler::RateLimitPerSchema). This is
    /// Otelier's own. YAML: `otelier/rate_limit`, with `traces_per_second` and `per: schema`.
    RateLimitPerSchema(f64),
}

/// A rule of [`Composable::RuleBased`]: when it matches, and which sampler decides then.
///
/// All conditions that are set have to be met by the first span of the trace in this process; a rule without any matches always.
///
/// Attributes count that the span has from the start: those of the annotation, those that are given to whoever builds a span, and
/// those that its context gives to every span, such as `user.id` and `tenant.id` of a correlation. What a span says itself of a
/// key counts in place of what its context says.
///
/// ```
/// use otelier::Priority;
/// use otelier::config::{Composable, Rule, SpanParent};
/// use otelier::schema::Kind;
///
/// let rules = [
///     // Nothing of what fetches the metrics.
///     Rule::new(Composable::AlwaysOff).named("scrapes").span_kind(Kind::Server).attribute_is("url.path", ["/metrics"]),
///     // All that is worth something to a customer who is.
///     Rule::new(Composable::AlwaysOn)
///         .named("good customers")
///         .attribute_is("business.customer.tier", ["premium"])
///         .attribute_at_least("business.value", 1000.0),
///     // What matters to whoever annotated it, and a few requests to exchanges.
///     Rule::new(Composable::AlwaysOn).priority(Priority::High),
///     Rule::new(Composable::RateLimitPerSchema(5.0)).schema("crypto.*"),
///     // A tenth of what others call us with.
///     Rule::new(Composable::Probability(0.1)).parent(SpanParent::Remote),
/// ];
/// assert_eq!(rules[4].parent, [SpanParent::Remote]);
/// # let sampler = otelier::config::Sampler::Composite(Composable::RuleBased(rules.to_vec()));
/// # otelier::init(otelier::Telemetry::default().with_sampler(sampler))?.shutdown()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Rule {
    /// What the rule is called where a decision explains itself: the attribute `otelier.sampler.rule`, and counters. Otelier's own,
    /// YAML: `otelier/name`. Default: its place among all rules of the sampler, `rules[0]`, where the rules of an inner sampler
    /// come after the rule it belongs to.
    pub name: Option<String>,
    /// Each of these attributes has one of its values. YAML: `attribute_values`, for one, and `otelier/attribute_values`, a list.
    /// Default: not looked at.
    pub attribute_values: Vec<AttributeValues>,
    /// Each of these attributes matches its patterns. YAML: `attribute_patterns`, for one, and `otelier/attribute_patterns`, a list.
    /// Default: not looked at.
    pub attribute_patterns: Vec<AttributePatterns>,
    /// Each of these attributes is a number within its bounds. Otelier's own, YAML: `otelier/attribute_ranges`, a list. Default: not
    /// looked at.
    pub attribute_ranges: Vec<AttributeRange>,
    /// The id of the annotation's schema matches one of these patterns, in which `*` stands for any number of characters and `?`
    /// for any one; a span without a schema does not. Otelier's own, YAML: `otelier/schemas`. Default, or with none: any schema,
    /// and none.
    pub schemas: Vec<String>,
    /// The span's name matches one of these patterns, as those of `schemas`. Otelier's own, YAML: `otelier/span_names`. Default, or
    /// with none: any name.
    ///
    /// Of a name with attributes in it, such as `load {app.symbol}`, the pattern is meant as it stands in the annotation.
    pub span_names: Vec<String>,
    /// The span's kind is one of these. YAML: `span_kinds`. Default, or with none: any kind.
    pub span_kinds: Vec<Kind>,
    /// The span's parent is one of these. YAML: `parent`. Default, or with none: any.
    pub parent: Vec<SpanParent>,
    /// The annotation's [`priority`](Priority) is at least this; without one it is normal. Otelier's own, YAML: `otelier/priority`.
    /// Default: any.
    pub priority: Option<Priority>,
    /// Decides where the rule matches. YAML: `sampler`.
    pub sampler: Composable,
}

/// An attribute, and the values of which it has to have one.
///
/// Numbers and truth values are compared as text: `404`, `true`. Of a list one value is enough. A span that does not have the
/// attribute does not match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct AttributeValues {
    /// The key of the attribute. YAML: `key`.
    pub key: String,
    /// The values, at least one. YAML: `values`.
    pub values: Vec<String>,
}

/// An attribute, and patterns for its value: `?` stands for any one character, and `*` for any number of them. Upper and lower
/// case are different. Values are compared as those of [`AttributeValues`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct AttributePatterns {
    /// The key of the attribute. YAML: `key`.
    pub key: String,
    /// One of these has to match; with none, all values do. YAML: `included`.
    pub included: Vec<String>,
    /// None of these may match. YAML: `excluded`.
    pub excluded: Vec<String>,
}

/// Where a span's parent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)]
pub enum SpanParent {
    /// Nowhere: the span begins a trace. YAML: `none`.
    None,
    /// In another process. YAML: `remote`.
    Remote,
    /// In this process, made with somebody else's tracer: below a span of ours nothing is decided again. YAML: `local`.
    Local,
}

impl Rule {
    /// A rule that always matches.
    pub fn new(sampler: Composable) -> Self {
        Self {
            name: None,
            attribute_values: Vec::new(),
            attribute_patterns: Vec::new(),
            attribute_ranges: Vec::new(),
            schemas: Vec::new(),
            span_names: Vec::new(),
            span_kinds: Vec::new(),
            parent: Vec::new(),
            priority: None,
            sampler,
        }
    }

    /// Calls the rule so where a decision explains itself.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    conditions!();

    /// Matches only spans with this parent, or another that was added.
    #[must_use]
    pub fn parent(mut self, parent: SpanParent) -> Self {
        self.parent.push(parent);
        self
    }

    fn check_at(&self, place: &mut Place, problems: &mut ConfigError) {
        if self.name.as_ref().is_some_and(String::is_empty) {
            place.refuse("`name` is empty", "the name of a rule", problems);
        }
        for AttributeValues { key, values } in &self.attribute_values {
            if key.is_empty() {
                place.refuse("`attribute_values.key` is empty", "the key of an attribute", problems);
            }
            if values.is_empty() {
                place.refuse("`attribute_values.values` is empty", "at least one value", problems);
            }
        }
        if self.attribute_patterns.iter().any(|patterns| patterns.key.is_empty()) {
            place.refuse("`attribute_patterns.key` is empty", "the key of an attribute", problems);
        }
        for range in &self.attribute_ranges {
            if range.key.is_empty() {
                place.refuse("`attribute_ranges.key` is empty", "the key of an attribute", problems);
            }
            if let Err((found, expected)) = range.check() {
                place.refuse(&format!("`attribute_ranges` of `{}` {found}", range.key), expected, problems);
            }
        }
        self.sampler.check_at(place, problems);
    }

    fn matching(&self) -> Match {
        let values = self.attribute_values.iter().map(AttributeValues::node);
        let patterns = self.attribute_patterns.iter().map(AttributePatterns::node);
        let ranges = self.attribute_ranges.iter().map(AttributeRange::node);
        Match {
            names: self.span_names.iter().collect(),
            schemas: self.schemas.iter().collect(),
            kinds: self.span_kinds.clone(),
            parents: self.parent.iter().map(|parent| parent.node()).collect(),
            priority: self.priority,
            attributes: values.chain(patterns).chain(ranges).collect(),
        }
    }
}

impl AttributeRange {
    /// What is wrong with the bounds, and what is expected instead.
    pub(super) fn check(&self) -> Result<(), (String, &'static str)> {
        match (self.min, self.max) {
            (min, max) if min.into_iter().chain(max).any(f64::is_nan) => {
                Err(("is bounded by NaN".to_owned(), "numbers as bounds"))
            }
            (None, None) => Err(("has no bounds".to_owned(), "`min`, `max` or both")),
            (Some(min), Some(max)) if min > max => {
                Err((format!("is from {min} to {max}"), "a `min` that is not above `max`"))
            }
            _ => Ok(()),
        }
    }
}

impl SpanParent {
    fn node(self) -> Parent {
        match self {
            Self::None => Parent::None,
            Self::Remote => Parent::Remote,
            Self::Local => Parent::Local,
        }
    }
}

impl Composable {
    /// Its name in the declarative file, and how many rules it has.
    pub(super) fn name(&self) -> String {
        match self {
            Self::AlwaysOn => "always_on".to_owned(),
            Self::AlwaysOff => "always_off".to_owned(),
            Self::Probability(ratio) => format!("probability(ratio: {ratio})"),
            Self::ParentThreshold(root) => format!("parent_threshold(root: {})", root.name()),
            Self::RuleBased(rules) => format!("rule_based(rules: {})", rules.len()),
            Self::RateLimit(rate) => format!("otelier/rate_limit(traces_per_second: {rate})"),
            Self::RateLimitPerSchema(rate) => format!("otelier/rate_limit(traces_per_second: {rate}, per: schema)"),
        }
    }

    pub(super) fn check_at(&self, place: &mut Place, problems: &mut ConfigError) {
        match self {
            Self::AlwaysOn | Self::AlwaysOff => {}
            Self::Probability(ratio) => place.ratio(*ratio, problems),
            Self::RateLimit(per_second) | Self::RateLimitPerSchema(per_second) => place.rate(*per_second, problems),
            Self::ParentThreshold(root) => {
                place.within("parent_threshold.root", problems, |place, problems| root.check_at(place, problems));
            }
            Self::RuleBased(rules) => {
                if rules.is_empty() {
                    let expected = "at least one, or `AlwaysOff` to keep nothing";
                    place.refuse("a rule based sampler has no rules", expected, problems);
                }
                for (number, rule) in rules.iter().enumerate() {
                    let name = format!("rules[{number}]");
                    place.within(name, problems, |place, problems| rule.check_at(place, problems));
                }
            }
        }
    }

    /// What decides; `rules` is the number of the next rule.
    pub(super) fn numbered(&self, rules: &mut usize) -> Composed {
        match self {
            Self::AlwaysOn => Composed::AlwaysOn,
            Self::AlwaysOff => Composed::AlwaysOff,
            Self::Probability(ratio) => Composed::Probability(record::consistent_threshold(*ratio)),
            Self::RateLimit(per_second) => Composed::RateLimit(Bucket::new(*per_second)),
            Self::RateLimitPerSchema(rate) => Composed::RateLimitPerSchema(SchemaBuckets::new(*rate)),
            Self::ParentThreshold(root) => Composed::ParentThreshold(Box::new(root.numbered(rules))),
            Self::RuleBased(all) => {
                let node = |rule: &Rule| {
                    let number = *rules;
                    *rules += 1;
                    RuleNode::new(number, rule.name.as_deref(), rule.matching(), rule.sampler.numbered(rules))
                };
                Composed::Rules(all.iter().map(node).collect())
            }
        }
    }
}
