//! Samplers that can be composed, and rules.

use super::sampler::Place;
use crate::ConfigError;
use crate::record::{self, Bucket, Composed, Match, Parent, RuleNode};
use crate::schema::Kind;

/// A sampler inside of [`Sampler::Composite`](super::Sampler::Composite): it says from which threshold on traces are kept, and
/// the composition decides. YAML: what stands below `composite/development`.
///
/// A trace that is kept tells the threshold to whoever comes after, as `ot=th:…` in its `tracestate`, unless nobody can say how
/// many traces one that is kept stands for: with [`RateLimit`](Self::RateLimit), and below a parent that does not tell.
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
    /// rule matches. This is Otelier's own, and has no YAML key.
    RateLimit(f64),
}

/// A rule of [`Composable::RuleBased`]: when it matches, and which sampler decides then.
///
/// All conditions that are set have to be met by the first span of the trace in this process; a rule without any matches always.
///
/// ```
/// use otelier::config::{Composable, Rule, SpanParent};
/// use otelier::schema::Kind;
///
/// // A tenth of what others call us with, but nothing of what fetches the metrics.
/// let rules = [
///     Rule::new(Composable::AlwaysOff).span_kind(Kind::Server).attribute_is("url.path", ["/metrics"]),
///     Rule::new(Composable::Probability(0.1)).span_kind(Kind::Server).parent(SpanParent::Remote),
///     Rule::new(Composable::AlwaysOn),
/// ];
/// assert_eq!(rules[1].parent, [SpanParent::Remote]);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Rule {
    /// An attribute has one of these values. YAML: `attribute_values`. Default: not looked at.
    pub attribute_values: Option<AttributeValues>,
    /// An attribute matches patterns. YAML: `attribute_patterns`. Default: not looked at.
    pub attribute_patterns: Option<AttributePatterns>,
    /// The span's name matches one of these patterns, in which `*` stands for any number of characters and `?` for any one.
    /// Otelier's own, without a YAML key. Default, or with none: any name.
    ///
    /// Of a name with attributes in it, such as `load {app.symbol}`, the pattern is meant as it stands in the annotation.
    pub span_names: Vec<String>,
    /// The span's kind is one of these. YAML: `span_kinds`. Default, or with none: any kind.
    pub span_kinds: Vec<Kind>,
    /// The span's parent is one of these. YAML: `parent`. Default, or with none: any.
    pub parent: Vec<SpanParent>,
    /// Decides where the rule matches. YAML: `sampler`.
    pub sampler: Composable,
}

/// An attribute, and the values of which it has to have one.
///
/// Numbers and truth values are compared as text: `404`, `true`. Of a list one value is enough. A span that does not have the
/// attribute does not match. Attributes count that the span has from the start: those of the annotation, or those that are given
/// to whoever builds a span.
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
            attribute_values: None,
            attribute_patterns: None,
            span_names: Vec::new(),
            span_kinds: Vec::new(),
            parent: Vec::new(),
            sampler,
        }
    }

    /// Matches only where an attribute has one of these values.
    #[must_use]
    pub fn attribute_is<V: Into<String>>(
        mut self,
        key: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        self.attribute_values = Some(AttributeValues { key: key.into(), values });
        self
    }

    /// Matches only where an attribute matches one of these patterns.
    #[must_use]
    pub fn attribute_like<V: Into<String>>(
        mut self,
        key: impl Into<String>,
        included: impl IntoIterator<Item = V>,
    ) -> Self {
        let included = included.into_iter().map(Into::into).collect();
        self.attribute_patterns = Some(AttributePatterns { key: key.into(), included, excluded: Vec::new() });
        self
    }

    /// Matches only where the span's name matches this pattern, or another that was added.
    #[must_use]
    pub fn span_name(mut self, pattern: impl Into<String>) -> Self {
        self.span_names.push(pattern.into());
        self
    }

    /// Matches only spans of this kind, or another that was added.
    #[must_use]
    pub fn span_kind(mut self, kind: Kind) -> Self {
        self.span_kinds.push(kind);
        self
    }

    /// Matches only spans with this parent, or another that was added.
    #[must_use]
    pub fn parent(mut self, parent: SpanParent) -> Self {
        self.parent.push(parent);
        self
    }

    fn check_at(&self, place: &mut Place, problems: &mut ConfigError) {
        if let Some(AttributeValues { key, values }) = &self.attribute_values {
            if key.is_empty() {
                place.refuse("`attribute_values.key` is empty", "the key of an attribute", problems);
            }
            if values.is_empty() {
                place.refuse("`attribute_values.values` is empty", "at least one value", problems);
            }
        }
        if self.attribute_patterns.as_ref().is_some_and(|patterns| patterns.key.is_empty()) {
            place.refuse("`attribute_patterns.key` is empty", "the key of an attribute", problems);
        }
        self.sampler.check_at(place, problems);
    }

    fn matching(&self) -> Match {
        Match {
            names: self.span_names.clone(),
            values: self.attribute_values.clone().map(|AttributeValues { key, values }| (key, values)),
            patterns: self
                .attribute_patterns
                .clone()
                .map(|AttributePatterns { key, included, excluded }| (key, included, excluded)),
            kinds: self.span_kinds.clone(),
            parents: self.parent.iter().map(|parent| parent.node()).collect(),
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
        }
    }

    pub(super) fn check_at(&self, place: &mut Place, problems: &mut ConfigError) {
        match self {
            Self::AlwaysOn | Self::AlwaysOff => {}
            Self::Probability(ratio) => place.ratio(*ratio, problems),
            Self::RateLimit(per_second) => place.rate(*per_second, problems),
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
            Self::ParentThreshold(root) => Composed::ParentThreshold(Box::new(root.numbered(rules))),
            Self::RuleBased(all) => {
                let node = |rule: &Rule| {
                    let number = *rules;
                    *rules += 1;
                    RuleNode { number, when: rule.matching(), sampler: rule.sampler.numbered(rules) }
                };
                Composed::Rules(all.iter().map(node).collect())
            }
        }
    }
}
