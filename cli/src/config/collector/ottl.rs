//! Conditions of rules in OTTL, the Collector's language: each is about one and the same span, as those of rules are.
//!
//! Attributes are compared as text, by expressions of RE2: the Collector makes the same text of numbers and truth values that
//! programs compare. Of a list it makes JSON, in which one of the values is looked for.

use super::sites::{self, CallSites, Those};
use otelier::config::{AttributePatterns, AttributeRange, AttributeValues, TailRule};
use otelier::schema::Kind;
use std::collections::BTreeSet;

/// The attribute that has the id of a span's schema.
const SPAN_TYPE: &str = "otelier.span_type";

/// What a rule asks of a span.
#[derive(Debug, PartialEq)]
pub(super) enum Asked {
    /// Nothing: it matches every trace.
    Nothing,
    /// This.
    Condition(String),
    /// What exported spans do not say, with what can be done.
    Unseen(String),
    /// A priority that no call site has.
    Nobody,
}

/// The condition of a rule; `sites` are those of the programs, if they are known.
pub(super) fn asked(rule: &TailRule, sites: Option<&CallSites>) -> Asked {
    let mut all = Vec::new();
    if let Some(least) = rule.priority.filter(|least| sites::asks(Some(*least))) {
        match sites.map(|sites| sites.with(least)) {
            None => {
                return Asked::Unseen(format!(
                    "it asks for `priority: {}`, which annotations say and spans do not; `--package NAME` takes the names of the \
                     spans from the annotations of that package, or ask for `span_names`, `schemas` or an attribute",
                    least.as_str()
                ));
            }
            Some(Those::None) => return Asked::Nobody,
            Some(Those::All) => {}
            Some(Those::Of(condition, _)) => all.push(condition),
        }
    }
    if rule.failed {
        all.push("span.status.code == STATUS_CODE_ERROR".to_owned());
    }
    if let Some(limit) = rule.slower_than {
        // What Go can hold.
        let nanos = limit.as_nanos().min(i64::MAX as u128);
        all.push(format!("span.end_time_unix_nano - span.start_time_unix_nano >= {nanos}"));
    }
    if !rule.schemas.is_empty() {
        all.push(is_match(&attribute(SPAN_TYPE), &anchored(&rule.schemas, pattern)));
    }
    if !rule.span_names.is_empty() {
        all.push(is_match("span.name", &anchored(&rule.span_names, pattern)));
    }
    if !rule.span_kinds.is_empty() {
        all.push(any(rule.span_kinds.iter().map(|kind| format!("span.kind == {}", symbol(*kind)))));
    }
    all.extend(rule.attribute_values.iter().map(values));
    all.extend(rule.attribute_patterns.iter().map(patterns));
    all.extend(rule.attribute_ranges.iter().map(range));
    if rule.rate_limited {
        let status = attribute("http.response.status_code");
        all.push(any([
            format!("{status} == 429"),
            format!("{status} == 418"),
            format!("{} == \"RESOURCE_EXHAUSTED\"", attribute("rpc.response.status_code")),
            format!("{} == \"rate_limited\"", attribute("error.type")),
        ]));
    }
    if rule.budget_exceeded {
        all.push(any([
            format!("{} == true", attribute("performance.budget.exceeded")),
            format!("{} == false", attribute("performance.slo.compliant")),
        ]));
    }
    if all.is_empty() { Asked::Nothing } else { Asked::Condition(all.join(" and ")) }
}

/// Whether a rule leaves out values of lists, which the Collector does of all values of a list together.
pub(super) fn excludes(rule: &TailRule) -> bool {
    rule.attribute_patterns.iter().any(|patterns| !patterns.excluded.is_empty())
}

/// A span with one of these names, in which `{attribute}` stands for a value.
pub(super) fn named(names: &BTreeSet<&str>) -> String {
    let patterns: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    is_match(
        "span.name",
        &anchored(&patterns, |name| {
            let parts = name.split('{').enumerate().map(|(number, part)| match part.split_once('}') {
                Some((_, behind)) if number > 0 => format!(".*{}", literal(behind)),
                _ if number > 0 => literal(&format!("{{{part}")),
                _ => literal(part),
            });
            parts.collect()
        }),
    )
}

/// Traces whose random part reaches a threshold: the last 14 digits of the id, compared as text of the same length.
pub(super) fn reaches(threshold: u64) -> String {
    format!("Substring(span.trace_id.string, 18, 14) >= \"{threshold:014x}\"")
}

/// Traces whose random part does not reach a threshold.
pub(super) fn stays_below(threshold: u64) -> String {
    format!("Substring(span.trace_id.string, 18, 14) < \"{threshold:014x}\"")
}

pub(super) const fn symbol(kind: Kind) -> &'static str {
    match kind {
        Kind::Server => "SPAN_KIND_SERVER",
        Kind::Client => "SPAN_KIND_CLIENT",
        Kind::Producer => "SPAN_KIND_PRODUCER",
        Kind::Consumer => "SPAN_KIND_CONSUMER",
        Kind::Internal => "SPAN_KIND_INTERNAL",
    }
}

fn values(asked: &AttributeValues) -> String {
    let text = attribute(&asked.key);
    has(&text, &asked.values, false)
}

fn patterns(asked: &AttributePatterns) -> String {
    let text = attribute(&asked.key);
    let every = ["*".to_owned()];
    let included = if asked.included.is_empty() { &every[..] } else { &asked.included };
    let included = has(&text, included, true);
    if asked.excluded.is_empty() {
        return included;
    }
    format!("{included} and not {}", parenthesized(has(&text, &asked.excluded, true)))
}

/// Whether an attribute, or one value of a list, is one of these texts or like one of these patterns.
fn has(attribute: &str, texts: &[String], are_patterns: bool) -> String {
    let single = is_match(attribute, &anchored(texts, if are_patterns { pattern } else { literal }));
    let list = is_match(attribute, &in_list(texts, are_patterns));
    // The JSON of a list must not be taken for a text that looks like it.
    let looks_like_list = |text: &String| {
        let ends = |begin: char, end: char| text.starts_with(begin) && text.ends_with(end);
        let may = |c: Option<char>, bracket| c == Some(bracket) || are_patterns && matches!(c, Some('*' | '?'));
        ends('[', ']') || may(text.chars().next(), '[') && may(text.chars().next_back(), ']')
    };
    if texts.iter().any(looks_like_list) {
        return format!("((IsList({attribute}) and {list}) or (not IsList({attribute}) and {single}))");
    }
    format!("({single} or (IsList({attribute}) and {list}))")
}

fn range(asked: &AttributeRange) -> String {
    let attribute = attribute(&asked.key);
    let bound = |sign: &str, bound: Option<f64>| bound.map(|bound| format!("{attribute} {sign} {}", number(bound)));
    let bounds: Vec<String> = bound(">=", asked.min).into_iter().chain(bound("<=", asked.max)).collect();
    if bounds.is_empty() {
        return format!("(IsInt({attribute}) or IsDouble({attribute}))");
    }
    bounds.join(" and ")
}

/// A number as OTTL writes it: with a point, and all of its digits.
fn number(number: f64) -> String {
    if !number.is_finite() {
        return format!("Double(\"{number}\")");
    }
    let text = number.to_string();
    if text.contains('.') { text } else { format!("{text}.0") }
}

fn any(conditions: impl IntoIterator<Item = String>) -> String {
    let all: Vec<String> = conditions.into_iter().collect();
    if all.len() == 1 { all.join("") } else { format!("({})", all.join(" or ")) }
}

fn parenthesized(condition: String) -> String {
    if condition.starts_with('(') { condition } else { format!("({condition})") }
}

fn attribute(key: &str) -> String {
    format!("span.attributes[{}]", text(key))
}

fn is_match(what: &str, expression: &str) -> String {
    format!("IsMatch({what}, {})", text(expression))
}

/// Text as Go reads it between quotes.
fn text(given: &str) -> String {
    let mut out = String::with_capacity(given.len() + 2);
    out.push('"');
    for c in given.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// An expression for the whole of a text.
fn anchored(texts: &[String], expression: fn(&str) -> String) -> String {
    let all: Vec<String> = texts.iter().map(|text| expression(text)).collect();
    match &*all {
        [one] => format!("(?s)^{one}$"),
        all => format!("(?s)^(?:{})$", all.join("|")),
    }
}

fn literal(text: &str) -> String {
    let mut out = String::new();
    text.chars().for_each(|c| out.push_str(&of_char(c)));
    out
}

/// A pattern with `*` and `?` as an expression of RE2.
pub(super) fn pattern(pattern: &str) -> String {
    let mut out = String::new();
    for c in pattern.chars() {
        match c {
            '*' => out.push_str(".*"),
            '?' => out.push('.'),
            c => out.push_str(&of_char(c)),
        }
    }
    out
}

fn of_char(c: char) -> String {
    if r"\.+*?()|[]{}^$".contains(c) { format!("\\{c}") } else { c.to_string() }
}

/// An expression for the JSON of a list, one of whose values is one of these texts or like one of these patterns.
///
/// It reads the values in front, so that what stands inside of one is not taken for another.
fn in_list(texts: &[String], are_patterns: bool) -> String {
    const BEFORE: &str = r#"(?:(?:"(?:[^"\\]|\\.)*"|[^",\[\]]*),)*"#;
    let quoted: Vec<String> = texts.iter().map(|text| in_json(text, are_patterns)).collect();
    let mut one = format!("\"(?:{})\"", quoted.join("|"));
    // Numbers and truth values stand there without quotes.
    let is_bare = |text: &&String| {
        let may_be =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-') || are_patterns && "*?".contains(c);
        text.chars().all(may_be)
            && (text.parse::<f64>().is_ok() || *text == "true" || *text == "false" || text.contains(['*', '?']))
    };
    for text in texts.iter().filter(is_bare) {
        let mut bare = String::new();
        // No value is empty there, but the list may be.
        if text.chars().all(|c| c == '*') {
            one.push_str(r#"|[^",\[\]]+"#);
            continue;
        }
        for c in text.chars() {
            match c {
                '*' => bare.push_str(r#"[^",\[\]]*"#),
                '?' => bare.push_str(r#"[^",\[\]]"#),
                c => bare.push_str(&of_char(c)),
            }
        }
        one = format!("{one}|{bare}");
    }
    format!(r"(?s)^\[{BEFORE}(?:{one})[,\]]")
}

/// An expression for what the JSON of a text has between its quotes, as Go writes it.
fn in_json(text: &str, is_pattern: bool) -> String {
    const ANY: &str = r#"(?:[^"\\]|\\u[0-9a-f]{4}|\\[^u])"#;
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '*' if is_pattern => out.push_str(&format!("{ANY}*")),
            '?' if is_pattern => out.push_str(ANY),
            '"' => out.push_str(r#"\\""#),
            '\\' => out.push_str(r"\\\\"),
            '\n' => out.push_str(r"\\n"),
            '\r' => out.push_str(r"\\r"),
            '\t' => out.push_str(r"\\t"),
            // Later releases of Go write these in short.
            '\u{8}' => out.push_str(r"(?:\\b|\\u0008)"),
            '\u{c}' => out.push_str(r"(?:\\f|\\u000c)"),
            c if c < ' ' || matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}') => {
                out.push_str(&format!(r"(?:{c}|\\u{:04x})", u32::from(c)));
            }
            c => out.push_str(&of_char(c)),
        }
    }
    out
}
