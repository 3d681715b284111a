//! A rule of `rule_based`.

use super::Findings;
use super::cursor::Cursor;
use super::sampler::{composable, span_kinds};
use crate::Priority;
use crate::config::{AttributePatterns, AttributeRange, AttributeValues, Rule, SpanParent};

pub(super) fn rule(item: &Cursor<'_>, findings: &mut Findings) -> Option<Rule> {
    let mut rule = Rule::new(composable(&item.get("sampler")?, findings)?);
    if let Some(name) = item.get("otelier/name") {
        rule.name = text(&name, "a name", findings);
    }
    let of = |one: &str, more: &str| -> Vec<Cursor<'_>> { item.get(one).into_iter().chain(item.items(more)).collect() };
    for values in of("attribute_values", "otelier/attribute_values") {
        let Some(key) = key(&values, findings) else { continue };
        rule.attribute_values.push(AttributeValues { key, values: values.texts("values") });
    }
    for patterns in of("attribute_patterns", "otelier/attribute_patterns") {
        let Some(key) = key(&patterns, findings) else { continue };
        let (included, excluded) = (patterns.texts("included"), patterns.texts("excluded"));
        rule.attribute_patterns.push(AttributePatterns { key, included, excluded });
    }
    for bounds in item.items("otelier/attribute_ranges") {
        let number = |key| bounds.get(key).and_then(|bound| bound.number());
        let Some(key) = key(&bounds, findings) else { continue };
        let range = AttributeRange { key, min: number("min"), max: number("max") };
        match range.check() {
            Ok(()) => rule.attribute_ranges.push(range),
            Err((found, expected)) => bounds.refuse(&format!("it {found}; expected {expected}"), findings),
        }
    }
    rule.schemas = item.texts("otelier/schemas");
    rule.span_names = item.texts("otelier/span_names");
    rule.span_kinds = span_kinds(item);
    // The words have been checked.
    rule.parent.extend(item.texts("parent").iter().filter_map(|parent| match parent.as_str() {
        "none" => Some(SpanParent::None),
        "remote" => Some(SpanParent::Remote),
        "local" => Some(SpanParent::Local),
        _ => None,
    }));
    rule.priority = item.get("otelier/priority").and_then(|priority| match priority.text()? {
        "low" => Some(Priority::Low),
        "normal" => Some(Priority::Normal),
        "high" => Some(Priority::High),
        _ => None,
    });
    Some(rule)
}

/// The key of an attribute that a condition is about.
fn key(condition: &Cursor<'_>, findings: &mut Findings) -> Option<String> {
    text(&condition.get("key")?, "the key of an attribute", findings)
}

/// A text that is not empty; what is, is said once, here where its place is known.
fn text(cursor: &Cursor<'_>, what: &str, findings: &mut Findings) -> Option<String> {
    let text = cursor.text()?;
    if text.is_empty() {
        cursor.expected("", what, findings);
        return None;
    }
    Some(text.to_owned())
}
