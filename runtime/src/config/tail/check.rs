//! Whether settings of tail sampling can be used.

use super::{Keep, TailRule, TailSampling};
use crate::ConfigError;
use std::time::Duration;

/// With less not even one long trace could be held back.
const LEAST_BYTES: usize = 64 << 10;
/// More is a slip, and every span would pay for it.
pub(in crate::config) const MOST_RULES: usize = 1000;
const DAY: Duration = Duration::from_secs(86_400);

impl TailSampling {
    /// Adds a sentence for everything that cannot be used.
    pub(crate) fn check(&self, problems: &mut ConfigError) {
        if !(0.0..=1.0).contains(&self.ratio) {
            problems.push(format_args!("the ratio of tail sampling is {}; expected 0.0 to 1.0", self.ratio));
        }
        for (what, length) in [("decide_after", self.decide_after), ("remember", self.remember)] {
            if length.is_zero() || length > DAY {
                problems
                    .push(format_args!("`{what}` of tail sampling is {length:?}; expected more than 0, at most a day"));
            }
        }
        if self.slower_than.is_some_and(|length| length.is_zero()) {
            problems.push("`slower_than` of tail sampling is 0; expected more than 0");
        }
        if self.max_bytes < LEAST_BYTES {
            problems.push(format_args!(
                "`max_bytes` of tail sampling is {}; expected at least {LEAST_BYTES} (64 KiB)",
                self.max_bytes
            ));
        }
        if self.rules.len() > MOST_RULES {
            problems.push(format_args!("tail sampling has {} rules; expected at most {MOST_RULES}", self.rules.len()));
        }
        for (number, rule) in self.rules.iter().take(MOST_RULES).enumerate() {
            rule.check(number, problems);
        }
        self.check_names(problems);
    }

    fn check_names(&self, problems: &mut ConfigError) {
        let mut seen = std::collections::HashMap::new();
        for (number, rule) in self.rules.iter().take(MOST_RULES).enumerate() {
            if let Some(first) = seen.insert(rule.name.as_str(), number).filter(|_| !rule.name.is_empty()) {
                problems.push(format_args!(
                    "rules {first} and {number} of tail sampling are both named `{}`; expected a name of its own for each",
                    rule.name
                ));
            }
        }
        for (name, short, given) in
            [("failed", "failed", self.failed), ("slow", "slower_than", self.slower_than.is_some())]
        {
            if given && seen.contains_key(name) {
                problems.push(format_args!(
                    "a rule of tail sampling is named `{name}`, as is the one that `{short}` stands for; expected another name"
                ));
            }
        }
    }
}

impl TailRule {
    fn check(&self, number: usize, problems: &mut ConfigError) {
        let rule = match self.name.as_str() {
            "" => {
                problems.push(format_args!("rule {number} of tail sampling has no name; expected one"));
                format!("rule {number}")
            }
            name => format!("rule `{name}`"),
        };
        let mut refuse = |what: std::fmt::Arguments<'_>| problems.push(format_args!("{rule} of tail sampling: {what}"));
        match self.keep {
            Keep::Ratio(ratio) if !(0.0..=1.0).contains(&ratio) => {
                refuse(format_args!("its ratio is {ratio}; expected 0.0 to 1.0"));
            }
            Keep::RateLimit(rate) if !(rate > 0.0 && rate <= 1e9) => {
                refuse(format_args!("its limit is {rate} traces a second; expected more than 0, at most 1000000000"));
            }
            _ => {}
        }
        if self.slower_than.is_some_and(|length| length.is_zero()) {
            refuse(format_args!("its `slower_than` is 0; expected more than 0"));
        }
        for (what, patterns) in [("schemas", &self.schemas), ("span_names", &self.span_names)] {
            if patterns.iter().any(String::is_empty) {
                refuse(format_args!(
                    "a pattern of its `{what}` is empty; expected a text, in which `*` and `?` stand for others"
                ));
            }
        }
        for values in &self.attribute_values {
            if values.key.is_empty() {
                refuse(format_args!("a key of its `attribute_values` is empty; expected the key of an attribute"));
            }
            if values.values.is_empty() {
                refuse(format_args!("`{}` of its `attribute_values` has no values; expected at least one", values.key));
            }
        }
        if self.attribute_patterns.iter().any(|patterns| patterns.key.is_empty()) {
            refuse(format_args!("a key of its `attribute_patterns` is empty; expected the key of an attribute"));
        }
        for range in &self.attribute_ranges {
            if range.key.is_empty() {
                refuse(format_args!("a key of its `attribute_ranges` is empty; expected the key of an attribute"));
            }
            if let Err((found, expected)) = range.check() {
                refuse(format_args!("`{}` of its `attribute_ranges` {found}; expected {expected}", range.key));
            }
        }
    }
}
