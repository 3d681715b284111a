//! What keys of tail sampling must be to each other.

use super::super::Node;
use super::super::check::Checker;
use super::super::describe::Section;
use super::super::tail::MOST_RULES;
use std::collections::HashMap;

pub(super) fn section(path: &str, node: &Node, section: &Section, checker: &mut Checker) {
    match section.name {
        "OtelierTailSampling" => whole(path, node, checker),
        "OtelierTailSamplingRule" => rule(path, node, checker),
        _ => range(path, node, checker),
    }
}

fn given<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    node.get(key).filter(|node| !node.is_null())
}

/// Something is kept, and every rule has a name of its own.
fn whole(path: &str, node: &Node, checker: &mut Checker) {
    let keeps = ["rules", "failed", "slower_than", "ratio"].iter().any(|key| given(node, key).is_some());
    if let Some(first) = node.entries().first().filter(|_| !keeps) {
        checker.report(first.origin.problem(format_args!(
            "`{path}` says nothing that is kept; expected `rules`, `failed`, `slower_than` or `ratio`, too"
        )));
    }
    let rules = given(node, "rules").map(Node::items).unwrap_or_default();
    if rules.len() > MOST_RULES {
        checker.report(
            rules[MOST_RULES]
                .origin
                .problem(format_args!("`{path}.rules` has {} items; expected at most {MOST_RULES}", rules.len())),
        );
    }
    let mut names = HashMap::new();
    let short = |key: &str, is_given: bool| is_given.then(|| format!("`{path}.{key}`"));
    let is_failed = given(node, "failed").and_then(Node::as_bool).unwrap_or(false);
    names.extend(short("failed", is_failed).map(|place| ("failed", place)));
    names.extend(short("slower_than", given(node, "slower_than").is_some()).map(|place| ("slow", place)));
    for (number, rule) in rules.iter().enumerate().take(MOST_RULES) {
        let Some(name) = given(rule, "name") else { continue };
        let Some(text) = name.as_text().filter(|text| !text.is_empty()) else { continue };
        let place = format!("`{path}.rules[{number}].name`");
        match names.get(text) {
            Some(first) => checker.report(name.origin.problem(format_args!(
                "{place} is `{}`, which {first} has taken; expected a name of its own",
                super::super::shown::short(text)
            ))),
            None => {
                names.insert(text, place);
            }
        }
    }
}

/// Nothing in it is empty.
fn rule(path: &str, node: &Node, checker: &mut Checker) {
    let mut not_empty = |place: String, node: Option<&Node>, expected: &str| {
        if let Some(node) = node.filter(|node| node.as_text() == Some("")) {
            checker.report(node.origin.problem(format_args!("`{place}` is empty; expected {expected}")));
        }
    };
    not_empty(format!("{path}.name"), given(node, "name"), "a name");
    for key in ["schemas", "span_names"] {
        for (number, item) in given(node, key).map(Node::items).unwrap_or_default().iter().enumerate() {
            not_empty(
                format!("{path}.{key}[{number}]"),
                Some(item),
                "a pattern, in which `*` and `?` stand for others",
            );
        }
    }
    for key in ["attribute_values", "attribute_patterns", "attribute_ranges"] {
        let Some(node) = given(node, key) else { continue };
        not_empty(format!("{path}.{key}.key"), given(node, "key"), "the key of an attribute");
        for (number, item) in node.items().iter().enumerate() {
            not_empty(format!("{path}.{key}[{number}].key"), given(item, "key"), "the key of an attribute");
        }
    }
}

/// There is a bound, and the least is not above the most.
fn range(path: &str, node: &Node, checker: &mut Checker) {
    let bound = |key| given(node, key);
    match (bound("min"), bound("max")) {
        (None, None) => {
            checker.report(node.origin.problem(format_args!("`{path}` has no bounds; expected `min`, `max` or both")));
        }
        (Some(min), Some(max)) => {
            let (Some(least), Some(most)) = (min.as_number(), max.as_number()) else { return };
            if least > most {
                checker.report(max.origin.problem(format_args!(
                    "`{path}.max` is `{most}` and `{path}.min` is `{least}`; expected a `max` that is not below `min`"
                )));
            }
        }
        _ => {}
    }
}
