//! Spans, and what the rules of programs say of them.

use otelier::config::TailRule;
use otelier::schema::Kind;
use serde_json::Value;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Attribute {
    Nothing,
    Text(String),
    Int(i64),
    Double(f64),
    Bool(bool),
    List(Vec<Attribute>),
}

#[derive(Clone, Debug)]
pub(super) struct Span {
    pub(super) trace: u128,
    pub(super) is_root: bool,
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) failed: bool,
    pub(super) nanos: i64,
    pub(super) attributes: Vec<(String, Attribute)>,
}

impl Default for Span {
    fn default() -> Self {
        Self {
            trace: 1,
            is_root: true,
            name: "load".to_owned(),
            kind: Kind::Internal,
            failed: false,
            nanos: 1000,
            attributes: Vec::new(),
        }
    }
}

impl Span {
    pub(super) fn with(key: &str, value: Attribute) -> Self {
        Self { attributes: vec![(key.to_owned(), value)], ..Self::default() }
    }

    pub(super) fn attribute(&self, key: &str) -> Attribute {
        let found = self.attributes.iter().find(|(known, _)| known == key);
        found.map_or(Attribute::Nothing, |(_, value)| value.clone())
    }
}

impl From<&str> for Attribute {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl Attribute {
    /// What the Collector compares with an expression: of a list its JSON.
    pub(super) fn like_text(&self) -> Option<String> {
        match self {
            Self::Nothing => None,
            Self::List(_) => Some(self.json()),
            single => single.text(),
        }
    }

    fn text(&self) -> Option<String> {
        match self {
            Self::Nothing | Self::List(_) => None,
            Self::Text(text) => Some(text.clone()),
            Self::Int(number) => Some(number.to_string()),
            Self::Double(number) => Some(number.to_string()),
            Self::Bool(value) => Some(value.to_string()),
        }
    }

    /// As Go writes it: what HTML would read is escaped.
    fn json(&self) -> String {
        match self {
            Self::List(items) => format!("[{}]", items.iter().map(Self::json).collect::<Vec<_>>().join(",")),
            Self::Text(text) => {
                let mut json = Value::from(text.as_str()).to_string();
                for c in ['<', '>', '&', '\u{2028}', '\u{2029}'] {
                    json = json.replace(c, &format!("\\u{:04x}", u32::from(c)));
                }
                json
            }
            single => single.text().unwrap_or_default(),
        }
    }

    /// Of a list, one value is enough.
    fn any(&self, is: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Self::List(items) => items.iter().any(|item| item.any(is)),
            single => single.text().is_some_and(|text| is(&text)),
        }
    }

    #[allow(clippy::cast_precision_loss)]
    fn number(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Double(number) => Some(*number),
            _ => None,
        }
    }
}

/// Whether all conditions of a rule are met, as its documentation has it.
pub(super) fn matches(rule: &TailRule, span: &Span) -> bool {
    let any_like = |patterns: &[String], text: &str| patterns.iter().any(|pattern| is_like(pattern, text));
    let is = |key: &str, value: &dyn Fn(&str) -> bool| span.attribute(key).any(value);
    (!rule.failed || span.failed)
        && rule.slower_than.is_none_or(|limit| span.nanos >= i64::try_from(limit.as_nanos()).unwrap())
        && (rule.schemas.is_empty() || is("otelier.span_type", &|id| any_like(&rule.schemas, id)))
        && (rule.span_names.is_empty() || any_like(&rule.span_names, &span.name))
        && (rule.span_kinds.is_empty() || rule.span_kinds.contains(&span.kind))
        && rule.attribute_values.iter().all(|asked| is(&asked.key, &|text| asked.values.iter().any(|v| v == text)))
        && rule.attribute_patterns.iter().all(|asked| {
            is(&asked.key, &|text| {
                (asked.included.is_empty() || any_like(&asked.included, text)) && !any_like(&asked.excluded, text)
            })
        })
        && rule.attribute_ranges.iter().all(|asked| {
            let within = |number: f64| {
                asked.min.is_none_or(|least| number >= least) && asked.max.is_none_or(|most| number <= most)
            };
            span.attribute(&asked.key).number().is_some_and(within)
        })
        && (!rule.rate_limited
            || is("http.response.status_code", &|status| ["429", "418"].contains(&status))
            || is("rpc.response.status_code", &|status| status == "RESOURCE_EXHAUSTED")
            || is("error.type", &|kind| kind == "rate_limited"))
        && (!rule.budget_exceeded
            || span.attribute("performance.budget.exceeded") == Attribute::Bool(true)
            || span.attribute("performance.slo.compliant") == Attribute::Bool(false))
}

fn is_like(pattern: &str, text: &str) -> bool {
    let Some(wanted) = pattern.chars().next() else { return text.is_empty() };
    let behind = &pattern[wanted.len_utf8()..];
    match (wanted, text.chars().next()) {
        ('*', Some(first)) => is_like(behind, text) || is_like(pattern, &text[first.len_utf8()..]),
        ('*', None) => is_like(behind, text),
        (_, Some(first)) => (wanted == '?' || wanted == first) && is_like(behind, &text[first.len_utf8()..]),
        (_, None) => false,
    }
}
