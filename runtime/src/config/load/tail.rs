//! `distribution.otelier.tail_sampling`. What is read has been checked.

use super::cursor::Cursor;
use super::sampler::span_kinds;
use crate::Priority;
use crate::config::{AttributePatterns, AttributeRange, AttributeValues, Keep, TailRule, TailSampling};

pub(super) fn read(tail: &Cursor<'_>) -> TailSampling {
    let usual = TailSampling::new(0.0);
    let duration = |key: &str| tail.get(key).and_then(|length| length.duration());
    TailSampling {
        rules: tail.items("rules").iter().filter_map(rule).collect(),
        failed: is_on(tail, "failed"),
        slower_than: duration("slower_than"),
        ratio: tail.get("ratio").and_then(|ratio| ratio.number()).unwrap_or(usual.ratio),
        decide_after: duration("decide_after").unwrap_or(usual.decide_after),
        remember: duration("remember").unwrap_or(usual.remember),
        max_bytes: match tail.get("max_bytes").and_then(|size| size.bytes()) {
            Some(bytes) => usize::try_from(bytes).unwrap_or(usize::MAX),
            None => usual.max_bytes,
        },
    }
}

fn is_on(cursor: &Cursor<'_>, key: &str) -> bool {
    cursor.get(key).and_then(|switch| switch.bool()).unwrap_or(false)
}

fn rule(item: &Cursor<'_>) -> Option<TailRule> {
    let mut rule = TailRule::new(item.get("name")?.text()?, keep(&item.get("keep")?)?);
    rule.failed = is_on(item, "failed");
    rule.slower_than = item.get("slower_than").and_then(|length| length.duration());
    rule.schemas = item.texts("schemas");
    rule.span_names = item.texts("span_names");
    rule.span_kinds = span_kinds(item);
    rule.priority = item.get("priority").and_then(|word| priority(word.text()?));
    for values in item.one_or_more("attribute_values") {
        let key = values.get("key")?.text()?.to_owned();
        rule.attribute_values.push(AttributeValues { key, values: values.texts("values") });
    }
    for patterns in item.one_or_more("attribute_patterns") {
        let key = patterns.get("key")?.text()?.to_owned();
        let (included, excluded) = (patterns.texts("included"), patterns.texts("excluded"));
        rule.attribute_patterns.push(AttributePatterns { key, included, excluded });
    }
    for range in item.one_or_more("attribute_ranges") {
        let key = range.get("key")?.text()?.to_owned();
        let bound = |key| range.get(key).and_then(|bound| bound.number());
        rule.attribute_ranges.push(AttributeRange { key, min: bound("min"), max: bound("max") });
    }
    rule.rate_limited = is_on(item, "rate_limited");
    rule.budget_exceeded = is_on(item, "budget_exceeded");
    Some(rule)
}

fn keep(cursor: &Cursor<'_>) -> Option<Keep> {
    match cursor.text() {
        Some("always") => Some(Keep::Always),
        Some("never") => Some(Keep::Never),
        _ => {
            let (name, value) = cursor.only()?;
            let number = value.number()?;
            Some(if name == "ratio" { Keep::Ratio(number) } else { Keep::RateLimit(number) })
        }
    }
}

fn priority(word: &str) -> Option<Priority> {
    [("low", Priority::Low), ("normal", Priority::Normal), ("high", Priority::High)]
        .into_iter()
        .find_map(|(known, priority)| (known == word).then_some(priority))
}
