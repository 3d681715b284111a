//! Queries for the metrics that the OpenTelemetry Collector's span metrics connector makes.
//!
//! Names are those of the connector's defaults (namespace `traces.span.metrics`, milliseconds) as Prometheus has them.

use crate::model::{Attribute, Kind, Scalar, Sensitivity, Span};
use crate::pattern::{self, Part};

/// How many spans there were.
pub(crate) const CALLS: &str = "traces_span_metrics_calls_total";

/// How long they took.
pub(crate) const DURATION: &str = "traces_span_metrics_duration_milliseconds_bucket";

/// What picks spans that failed.
pub(crate) const FAILED: &str = "status_code=\"STATUS_CODE_ERROR\"";

/// The attribute that says which schema a span was made by.
pub(crate) const SPAN_TYPE: &str = "otelier.span_type";

/// What picks the spans of a type: their kind with their names, or their type where names tell too little.
pub(crate) fn matchers(span: &Span) -> String {
    match name_matcher(span) {
        Some(name) => format!("span_kind=\"{}\",{name}", kind(span.kind)),
        None => format!("{}={}", label(SPAN_TYPE), string(&span.id)),
    }
}

/// What picks the names of a span type; `None` if names follow no pattern, or one that any name follows.
pub(crate) fn name_matcher(span: &Span) -> Option<String> {
    let pieces: Vec<Piece> = pattern::parts(pattern::of(span)?).into_iter().map(|part| piece(span, part)).collect();
    if pieces.iter().all(Piece::is_literal) {
        let name: String = pieces.into_iter().map(|piece| piece.text).collect();
        return Some(format!("span_name={}", string(&name)));
    }
    pieces.iter().any(|piece| piece.telling).then(|| {
        let regex: String = pieces.iter().map(Piece::regex).collect();
        format!("span_name=~{}", string(&regex))
    })
}

/// A piece of a name.
struct Piece {
    /// Literal text, or a regular expression.
    text: String,
    expression: bool,
    /// Whether it sets names of this type apart from others.
    telling: bool,
}

impl Piece {
    fn literal(text: &str) -> Self {
        Self { text: text.to_owned(), expression: false, telling: text.chars().any(char::is_alphanumeric) }
    }

    fn expression(text: impl Into<String>, telling: bool) -> Self {
        Self { text: text.into(), expression: true, telling }
    }

    const fn is_literal(&self) -> bool {
        !self.expression
    }

    fn regex(&self) -> String {
        if self.expression { self.text.clone() } else { escape(&self.text) }
    }
}

fn piece(span: &Span, part: Part<'_>) -> Piece {
    let key = match part {
        Part::Text(text) => return Piece::literal(text),
        Part::Value(key) => key,
    };
    if let Some(value) = pattern::constant(span, key) {
        return Piece::literal(value);
    }
    match pattern::attribute(span, key) {
        Some(attribute) if is_closed(attribute) => {
            let values: Vec<String> = attribute.members.iter().map(|member| escape(&member.value)).collect();
            Piece::expression(format!("(?:{})", values.join("|")), true)
        }
        Some(attribute) if is_plain(attribute) => match attribute.value_type.scalar {
            Scalar::Int => Piece::expression("-?[0-9]+", false),
            Scalar::Boolean => Piece::expression("(?:true|false)", false),
            Scalar::String | Scalar::Double | Scalar::Any => Piece::expression(".*", false),
        },
        _ => Piece::expression(".*", false),
    }
}

/// Whether the attribute has one value that is shown as it is.
fn is_plain(attribute: &Attribute) -> bool {
    let value_type = attribute.value_type;
    attribute.sensitivity == Sensitivity::Public && !value_type.array && !value_type.template
}

/// Whether the attribute has one of a few values that are all known, and may be a label.
pub(crate) fn is_closed(attribute: &Attribute) -> bool {
    is_plain(attribute) && !attribute.members.is_empty() && !attribute.open
}

const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Internal => "SPAN_KIND_INTERNAL",
        Kind::Server => "SPAN_KIND_SERVER",
        Kind::Client => "SPAN_KIND_CLIENT",
        Kind::Producer => "SPAN_KIND_PRODUCER",
        Kind::Consumer => "SPAN_KIND_CONSUMER",
    }
}

/// The label that an attribute becomes.
pub(crate) fn label(attribute: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let label: String = attribute.chars().map(plain).collect();
    match label.chars().next() {
        Some('0'..='9') => format!("key_{label}"),
        Some('_') | None => format!("key{label}"),
        Some(_) => label,
    }
}

/// The text as a regular expression.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The text as a string of PromQL, on one line and without what Grafana or YAML would take for their own.
pub(crate) fn string(text: &str) -> String {
    let (mut out, mut before) = (String::from("\""), ' ');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            // `$name` and `[[name]]` are variables of Grafana.
            '$' => out.push_str("\\x24"),
            '[' if before == '[' => out.push_str("\\x5b"),
            c if is_odd(c) => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
        before = c;
    }
    out.push('"');
    out
}

/// The text as a string of YAML.
pub(crate) fn yaml(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if is_odd(c) => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Characters that YAML does not take, or takes for line breaks. All have four digits.
const fn is_odd(c: char) -> bool {
    matches!(c, '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// Prometheus' own `promtool`, which tests ask where it is installed, and what they give it.
#[cfg(test)]
pub(crate) mod judge {
    use crate::model::{Attribute, Member, Registry, Span};
    use std::process::Command;

    /// A name with something in it that means something to each of the languages we write.
    pub(crate) const HOSTILE: &str = "a\"b'c`{d}|\\$service ${x} [[y]] {{ .z }} {{{\n#: -\u{1}\u{85}\u{2028}é😀(.*)";

    /// A registry of such names.
    pub(crate) fn hostile() -> Registry {
        let span = |id: String, name: String| Span {
            constants: vec![("x.constant".to_owned(), HOSTILE.to_owned())],
            attributes: vec![Attribute {
                name: HOSTILE.to_owned(),
                brief: HOSTILE.to_owned(),
                members: vec![Member { value: HOSTILE.to_owned(), ..Member::default() }],
                ..Attribute::default()
            }],
            brief: HOSTILE.to_owned(),
            name,
            id,
            ..Span::default()
        };
        let with = |name: &str| span(format!("x.{name}{HOSTILE}"), format!("{name}{HOSTILE}"));
        let spans = vec![
            span(HOSTILE.to_owned(), String::new()),
            span("x".to_owned(), "{x.any}".to_owned()),
            with("{x.constant}"),
            with("{x.any}"),
            with("{no"),
            with(&format!("{{{HOSTILE}}}")),
            // No program has it; what is made of it must be valid all the same.
            span(String::new(), String::new()),
        ];
        Registry { spans, ..Registry::default() }
    }

    /// What `promtool` says of the files, of which the last is given to it; `None` if it is not installed.
    pub(crate) fn promtool(topic: &str, args: &[&str], files: &[(&str, &str)]) -> Option<Result<String, String>> {
        let directory = std::env::temp_dir().join(format!("otelier-registry-{topic}-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        for (name, text) in files {
            std::fs::write(directory.join(name), text).unwrap();
        }
        let last = files.last().unwrap().0;
        let output = Command::new("promtool").args(args).arg(last).current_dir(&directory).output();
        std::fs::remove_dir_all(&directory).unwrap();
        let Ok(output) = output else {
            println!("skipped: promtool is not installed");
            return None;
        };
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        Some(if output.status.success() { Ok(said) } else { Err(said) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Member;

    fn span(name: &str) -> Span {
        let members = ["spot", "a|b"].map(|value| Member { value: value.to_owned(), ..Member::default() }).to_vec();
        let attribute = |name: &str| Attribute { name: name.to_owned(), ..Attribute::default() };
        Span {
            id: "shop.sale".to_owned(),
            name: name.to_owned(),
            constants: vec![("shop.system".to_owned(), "till.1".to_owned())],
            attributes: vec![
                Attribute { members, ..attribute("shop.market") },
                Attribute { value_type: "int".parse().unwrap(), ..attribute("shop.count") },
                attribute("shop.name"),
            ],
            ..Span::default()
        }
    }

    #[test]
    fn names_become_matchers() {
        let cases = [
            ("", r#"span_name="shop.sale""#),
            ("sell", r#"span_name="sell""#),
            ("at {shop.system}", r#"span_name="at till.1""#),
            ("sell.1 {shop.name}", r#"span_name=~"sell\\.1 .*""#),
            ("{shop.market}", r#"span_name=~"(?:spot|a\\|b)""#),
            ("no {shop.count}", r#"span_name=~"no -?[0-9]+""#),
            ("{shop.system} {shop.name}", r#"span_name=~"till\\.1 .*""#),
            ("$service [[x]]\n\"\\", r#"span_name="\x24service [\x5bx]]\n\"\\""#),
        ];
        for (name, expected) in cases {
            assert_eq!(matchers(&span(name)), format!("span_kind=\"SPAN_KIND_INTERNAL\",{expected}"));
        }
    }

    #[test]
    fn names_that_tell_nothing_are_not_used() {
        for name in ["{shop.name}", "{shop.name} {shop.count}"] {
            assert_eq!(matchers(&span(name)), r#"otelier_span_type="shop.sale""#);
        }
        let free = Span { name_note: "As the caller says.".to_owned(), ..span("") };
        assert_eq!(matchers(&free), r#"otelier_span_type="shop.sale""#);
    }

    #[test]
    fn labels_are_names_of_prometheus() {
        assert_eq!(label("crypto.market"), "crypto_market");
        assert_eq!(label("1.a-b"), "key_1_a_b");
        assert_eq!(label("_a"), "key_a");
        assert_eq!(label("ä"), "key_");
    }
}
