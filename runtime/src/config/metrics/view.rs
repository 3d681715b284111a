//! Views: which instruments they select, and what streams they make of them.

use crate::config::wildcard::matches;

/// Makes a stream of every instrument that the selector selects. YAML: an entry of `meter_provider.views`.
///
/// ```
/// use otelier::config::{Aggregation, AttributeKeys, View, ViewSelector};
///
/// let view = View::of(ViewSelector::name("http.server.request.duration"))
///     .with_name("http.latency")
///     .with_aggregation(Aggregation::explicit_buckets([0.1, 0.5, 1.0, 5.0]))
///     .with_attribute_keys(AttributeKeys::included(["http.*"]).but_not(["http.route"]));
/// assert!(view.stream.attribute_keys.keeps("http.request.method"));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct View {
    /// Which instruments. YAML: `selector`.
    pub selector: ViewSelector,
    /// What is made of them. YAML: `stream`.
    pub stream: ViewStream,
}

/// Which instruments a view is for: those that meet every criterion that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ViewSelector {
    /// The instrument's name, in any case; `?` stands for one character, `*` for any number. YAML: `instrument_name`.
    pub instrument_name: Option<String>,
    /// YAML: `instrument_type`.
    pub instrument_type: Option<InstrumentType>,
    /// YAML: `unit`.
    pub unit: Option<String>,
    /// YAML: `meter_name`.
    pub meter_name: Option<String>,
    /// YAML: `meter_version`.
    pub meter_version: Option<String>,
    /// YAML: `meter_schema_url`.
    pub meter_schema_url: Option<String>,
}

/// What a view makes of an instrument; what is `None` is as the instrument and the reader have it.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ViewStream {
    /// The metric's name. YAML: `name`. Only for a selector that names one instrument: two streams of one name could not be
    /// told apart.
    pub name: Option<String>,
    /// The metric's description. YAML: `description`.
    pub description: Option<String>,
    /// YAML: `aggregation`. One that does not fit the type of the instrument leaves the instrument as it is without a view.
    pub aggregation: Aggregation,
    /// How many combinations of attributes the stream may have. YAML: `aggregation_cardinality_limit`. Default: the reader's
    /// [`CardinalityLimits`](super::CardinalityLimits).
    pub cardinality_limit: Option<usize>,
    /// Which attributes are kept; the values of those that differ only in the others are taken together. YAML:
    /// `attribute_keys`. Default: all.
    pub attribute_keys: AttributeKeys,
}

/// The types of instruments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InstrumentType {
    /// YAML: `counter`.
    Counter,
    /// YAML: `gauge`.
    Gauge,
    /// YAML: `histogram`.
    Histogram,
    /// YAML: `observable_counter`.
    ObservableCounter,
    /// YAML: `observable_gauge`.
    ObservableGauge,
    /// YAML: `observable_up_down_counter`.
    ObservableUpDownCounter,
    /// YAML: `up_down_counter`.
    UpDownCounter,
}

/// How measurements become a value.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Aggregation {
    /// As the type of the instrument has it. YAML: `default`.
    #[default]
    Default,
    /// Not at all. YAML: `drop`.
    Drop,
    /// Their sum. YAML: `sum`.
    Sum,
    /// The latest one. YAML: `last_value`.
    LastValue,
    /// Counts between boundaries. YAML: `explicit_bucket_histogram`.
    ExplicitBuckets {
        /// Finite, each larger than the one before. YAML: `boundaries`. Default: `0, 5, 10, 25, 50, 75, 100, 250, 500, 750,
        /// 1000, 2500, 5000, 7500, 10000`.
        boundaries: Vec<f64>,
        /// Whether the smallest and the largest value are exported. YAML: `record_min_max`. Default: true.
        record_min_max: bool,
    },
    /// Counts in buckets that grow exponentially. YAML: `base2_exponential_bucket_histogram`.
    Base2Exponential {
        /// The finest resolution, -10 to 20; each step up halves the buckets' width. YAML: `max_scale`. Default: 20.
        max_scale: i8,
        /// The most buckets for positive and for negative values each, at least 2. YAML: `max_size`. Default: 160.
        max_size: u32,
        /// Whether the smallest and the largest value are exported. YAML: `record_min_max`. Default: true.
        record_min_max: bool,
    },
}

impl Aggregation {
    /// OpenTelemetry's default boundaries.
    pub const DEFAULT_BOUNDARIES: [f64; 15] =
        [0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0, 10000.0];

    /// Counts between these boundaries, with the smallest and the largest value.
    pub fn explicit_buckets(boundaries: impl IntoIterator<Item = f64>) -> Self {
        Self::ExplicitBuckets { boundaries: boundaries.into_iter().collect(), record_min_max: true }
    }

    /// Counts in at most 160 buckets that grow exponentially, with the smallest and the largest value.
    pub const fn base2_exponential() -> Self {
        Self::Base2Exponential { max_scale: 20, max_size: 160, record_min_max: true }
    }
}

/// Which attributes are kept, by patterns of their keys: `?` stands for one character, `*` for any number; case matters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct AttributeKeys {
    /// Keys that are kept. YAML: `included`. Default: `None`, which keeps all.
    pub included: Option<Vec<String>>,
    /// Keys that are not, although they are included. YAML: `excluded`. Default: none.
    pub excluded: Vec<String>,
}

impl AttributeKeys {
    /// Keeps what one of these patterns matches.
    pub fn included<S: Into<String>>(patterns: impl IntoIterator<Item = S>) -> Self {
        Self { included: Some(patterns.into_iter().map(Into::into).collect()), excluded: Vec::new() }
    }

    /// Keeps all but what one of these patterns matches.
    pub fn excluded<S: Into<String>>(patterns: impl IntoIterator<Item = S>) -> Self {
        Self::default().but_not(patterns)
    }

    /// Does not keep what one of these patterns matches.
    #[must_use]
    pub fn but_not<S: Into<String>>(mut self, patterns: impl IntoIterator<Item = S>) -> Self {
        self.excluded.extend(patterns.into_iter().map(Into::into));
        self
    }

    /// Whether an attribute of this key is kept.
    pub fn keeps(&self, key: &str) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, key));
        self.included.as_deref().is_none_or(any) && !any(&self.excluded)
    }

    #[cfg_attr(not(feature = "metrics"), allow(dead_code))]
    pub(crate) fn keeps_all(&self) -> bool {
        self.included.is_none() && self.excluded.is_empty()
    }
}

impl View {
    /// A view of these instruments that changes nothing yet.
    pub fn of(selector: ViewSelector) -> Self {
        Self { selector, stream: ViewStream::default() }
    }

    /// Names the metric.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.stream.name = Some(name.into());
        self
    }

    /// Describes the metric.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.stream.description = Some(description.into());
        self
    }

    /// Sets how measurements become a value.
    #[must_use]
    pub fn with_aggregation(mut self, aggregation: Aggregation) -> Self {
        self.stream.aggregation = aggregation;
        self
    }

    /// Sets how many combinations of attributes the stream may have.
    #[must_use]
    pub fn with_cardinality_limit(mut self, limit: usize) -> Self {
        self.stream.cardinality_limit = Some(limit);
        self
    }

    /// Sets which attributes are kept.
    #[must_use]
    pub fn with_attribute_keys(mut self, keys: AttributeKeys) -> Self {
        self.stream.attribute_keys = keys;
        self
    }
}

impl ViewSelector {
    /// Instruments of this name, which may have `?` and `*` in it.
    pub fn name(name: impl Into<String>) -> Self {
        Self { instrument_name: Some(name.into()), ..Self::default() }
    }

    /// Instruments of this type.
    pub fn instrument_type(instrument_type: InstrumentType) -> Self {
        Self { instrument_type: Some(instrument_type), ..Self::default() }
    }

    /// Whether an instrument of this name can be another than the one that the selector names.
    pub(crate) fn is_of_many(&self) -> bool {
        self.instrument_name.as_deref().is_none_or(|name| name.contains(['*', '?']))
    }

    /// Whether an instrument's name is selected. Names of instruments differ by more than case.
    #[cfg_attr(not(feature = "metrics"), allow(dead_code))]
    pub(crate) fn selects_name(&self, name: &str) -> bool {
        let Some(pattern) = &self.instrument_name else { return true };
        matches(&pattern.to_ascii_lowercase(), &name.to_ascii_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_instruments_match_in_any_case_and_keys_do_not() {
        assert!(ViewSelector::name("Http.*").selects_name("http.Server"));
        assert!(!AttributeKeys::included(["Http.*"]).keeps("http.server"));
    }

    #[test]
    fn excluded_keys_win_over_included_ones() {
        let keys = AttributeKeys::included(["foo.*"]).but_not(["foo.bar"]);
        assert_eq!(["foo.a", "foo.bar", "other"].map(|key| keys.keeps(key)), [true, false, false]);
        assert!(!AttributeKeys::included::<String>([]).keeps("a") && AttributeKeys::excluded(["b"]).keeps("a"));
    }
}
