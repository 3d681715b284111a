//! What rules of the head and of tail sampling both ask of a span.

use super::{AttributePatterns, AttributeRange, AttributeValues};
use crate::record::{Condition, Wanted};

impl AttributeValues {
    pub(super) fn node(&self) -> Condition {
        Condition::new(&self.key, Wanted::one_of(&self.values))
    }
}

impl AttributePatterns {
    pub(super) fn node(&self) -> Condition {
        Condition::new(&self.key, Wanted::Like(self.included.iter().collect(), self.excluded.iter().collect()))
    }
}

impl AttributeRange {
    pub(super) fn node(&self) -> Condition {
        let (min, max) = (self.min.unwrap_or(f64::NEG_INFINITY), self.max.unwrap_or(f64::INFINITY));
        Condition::new(&self.key, Wanted::Within(min, max))
    }
}

/// The builders of these conditions, for a type that has their fields.
macro_rules! conditions {
    () => {
        /// Matches only spans that have an attribute with one of these values, besides what is asked of other attributes.
        #[must_use]
        pub fn attribute_is<V: Into<String>>(
            mut self,
            key: impl Into<String>,
            values: impl IntoIterator<Item = V>,
        ) -> Self {
            let values = values.into_iter().map(Into::into).collect();
            self.attribute_values.push($crate::config::AttributeValues { key: key.into(), values });
            self
        }

        /// Matches only spans that have an attribute whose value matches one of these patterns, besides what is asked of other
        /// attributes.
        #[must_use]
        pub fn attribute_like<V: Into<String>>(
            mut self,
            key: impl Into<String>,
            included: impl IntoIterator<Item = V>,
        ) -> Self {
            let (included, excluded) = (included.into_iter().map(Into::into).collect(), Vec::new());
            self.attribute_patterns.push($crate::config::AttributePatterns { key: key.into(), included, excluded });
            self
        }

        /// Matches only spans that have an attribute that is a number of at least this, besides what is asked of other attributes.
        #[must_use]
        pub fn attribute_at_least(mut self, key: impl Into<String>, min: f64) -> Self {
            self.attribute_ranges.push($crate::config::AttributeRange { key: key.into(), min: Some(min), max: None });
            self
        }

        /// Matches only spans that have an attribute that is a number from `min` to `max`, both included, besides what is asked of
        /// other attributes.
        #[must_use]
        pub fn attribute_between(mut self, key: impl Into<String>, min: f64, max: f64) -> Self {
            let (min, max) = (Some(min), Some(max));
            self.attribute_ranges.push($crate::config::AttributeRange { key: key.into(), min, max });
            self
        }

        /// Matches only spans whose annotation has a schema with an id that matches this pattern, or another that was added.
        #[must_use]
        pub fn schema(mut self, pattern: impl Into<String>) -> Self {
            self.schemas.push(pattern.into());
            self
        }

        /// Matches only spans whose name matches this pattern, or another that was added.
        #[must_use]
        pub fn span_name(mut self, pattern: impl Into<String>) -> Self {
            self.span_names.push(pattern.into());
            self
        }

        /// Matches only spans of this kind, or another that was added.
        #[must_use]
        pub fn span_kind(mut self, kind: $crate::schema::Kind) -> Self {
            self.span_kinds.push(kind);
            self
        }

        /// Matches only spans whose annotation has at least this priority.
        #[must_use]
        pub fn priority(mut self, least: $crate::Priority) -> Self {
            self.priority = Some(least);
            self
        }
    };
}

pub(super) use conditions;
