//! What a span has to be like for a rule to match it, besides failing and taking long.

use super::Subject;
use crate::record::Priority;
use crate::record::sampling::is_like;
use crate::record::view::Value;
use otelier_spec::Kind;
use std::io::Write;

/// Conditions; an empty list asks for nothing.
#[derive(Debug, Default)]
pub(crate) struct Conditions {
    pub(crate) kinds: Vec<Kind>,
    /// At least this.
    pub(crate) priority: Option<Priority>,
    /// Patterns, one of which the id of the schema has to match.
    pub(crate) schemas: Vec<String>,
    /// Patterns, one of which the name has to match.
    pub(crate) names: Vec<String>,
    /// All of these.
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) rate_limited: bool,
    pub(crate) budget_exceeded: bool,
}

/// An attribute, and what its value has to be like; of a list one value is enough.
#[derive(Debug)]
pub(crate) struct Attribute {
    pub(crate) key: String,
    pub(crate) is: Is,
}

/// What a value has to be like.
#[derive(Debug)]
pub(crate) enum Is {
    OneOf(Vec<Text>),
    /// Some of the first, unless that is empty, and none of the second.
    Like(Vec<String>, Vec<String>),
    /// A number from the first to the second.
    Within(f64, f64),
}

/// A text, and the number that has this text, so that numbers need not be written to be compared.
#[derive(Debug)]
pub(crate) struct Text {
    text: String,
    int: Option<i64>,
    double: Option<f64>,
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self {
            int: text.parse().ok().filter(|number: &i64| number.to_string() == text),
            double: text.parse().ok().filter(|number: &f64| number.to_string() == text),
            text: text.to_owned(),
        }
    }
}

/// Where the status of an answer stands: in HTTP, and what one of our packs called it before.
const HTTP_STATUS: [&str; 2] = ["http.response.status_code", "http.status_code"];
/// In gRPC, in the names of its semantic conventions' versions.
const RPC_STATUS: [&str; 3] = ["rpc.status_code", "rpc.response.status_code", "rpc.grpc.status_code"];
const ERROR_TYPE: &str = "error.type";
/// What is recorded when an exchange or another server has had enough of us.
const RATE_LIMITED: [&str; 2] = ["crypto.rate_limited", "http.rate_limited"];
const BUDGET_EXCEEDED: &str = "performance.budget.exceeded";
const SLO_COMPLIANT: &str = "performance.slo.compliant";

impl Conditions {
    /// Whether a call site settles any of these.
    pub(super) fn depend_on_the_site(&self) -> bool {
        !self.kinds.is_empty()
            || self.priority.is_some()
            || !self.schemas.is_empty()
            || !self.attributes.is_empty()
            || self.rate_limited
            || self.budget_exceeded
    }

    /// Whether some span with what is settled of this one can meet these.
    pub(super) fn can_be_met_by(&self, span: &impl Subject) -> bool {
        let may_have = |key: &&str| span.may_have(key);
        self.are_met_by_what_is_settled(span)
            && self.attributes.iter().all(|attribute| span.may_have(&attribute.key))
            && (!self.budget_exceeded || [BUDGET_EXCEEDED, SLO_COMPLIANT].iter().any(may_have))
    }

    /// Cheapest first.
    #[inline]
    pub(super) fn are_met_by(&self, span: &impl Subject) -> bool {
        self.are_met_by_what_is_settled(span)
            && (!self.budget_exceeded || is_over_budget(span))
            && self.attributes.iter().all(|attribute| attribute.is_met_by(span))
            && (!self.rate_limited || is_rate_limited(span))
            && (self.names.is_empty() || self.is_named(span))
    }

    #[inline]
    fn are_met_by_what_is_settled(&self, span: &impl Subject) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&span.kind()))
            && self.priority.is_none_or(|least| span.priority() >= least)
            && (self.schemas.is_empty() || is_any_like(&self.schemas, span.schema()) && !span.schema().is_empty())
    }

    fn is_named(&self, span: &impl Subject) -> bool {
        let mut is = false;
        span.with_name(&mut |name| is = is_any_like(&self.names, name));
        is
    }
}

impl Attribute {
    fn is_met_by(&self, span: &impl Subject) -> bool {
        span.has(&self.key, &mut |value| any(value, &mut |value| self.is.met_by(value)))
    }
}

impl Is {
    /// Whether a value that is no list is like that.
    fn met_by(&self, value: Value<'_>) -> bool {
        match self {
            Self::OneOf(texts) => texts.iter().any(|text| text.is(value)),
            Self::Like(included, excluded) => with_text(value, |text| {
                (included.is_empty() || is_any_like(included, text)) && !is_any_like(excluded, text)
            }),
            Self::Within(min, max) => match value {
                Value::Int(number) => (*min..=*max).contains(&(number as f64)),
                Value::Double(number) => (*min..=*max).contains(&number),
                _ => false,
            },
        }
    }
}

impl Text {
    fn is(&self, value: Value<'_>) -> bool {
        match value {
            Value::Str(text) => self.text == text,
            Value::Int(number) => self.int == Some(number),
            // Of what is written the same, bits may differ only in NaN.
            Value::Double(number) => self.double.is_some_and(|own| own == number || own.is_nan() && number.is_nan()),
            Value::Bool(value) => self.text == if value { "true" } else { "false" },
            Value::List(_) => false,
        }
    }
}

fn is_any_like(patterns: &[String], text: &str) -> bool {
    patterns.iter().any(|pattern| is_like(pattern, text))
}

/// Whether `is` says so of a value, or of one in a list.
fn any(value: Value<'_>, is: &mut dyn FnMut(Value<'_>) -> bool) -> bool {
    match value {
        Value::List(list) => list.values().any(|value| any(value, is)),
        value => is(value),
    }
}

/// Gives `f` a value as text, without memory: this runs where spans end.
fn with_text(value: Value<'_>, f: impl FnOnce(&str) -> bool) -> bool {
    // The longest number that there is has fewer than 400 digits.
    let mut room = [0_u8; 512];
    let mut rest = &mut room[..];
    let written = match value {
        Value::Str(text) => return f(text),
        Value::Bool(value) => return f(if value { "true" } else { "false" }),
        Value::Int(number) => write!(rest, "{number}"),
        Value::Double(number) => write!(rest, "{number}"),
        Value::List(_) => return false,
    };
    let left = rest.len();
    let text = &room[..room.len() - left];
    written.is_ok() && std::str::from_utf8(text).is_ok_and(f)
}

fn is_over_budget(span: &impl Subject) -> bool {
    span.has(BUDGET_EXCEEDED, &mut |value| matches!(value, Value::Bool(true)))
        || span.has(SLO_COMPLIANT, &mut |value| matches!(value, Value::Bool(false)))
}

fn is_rate_limited(span: &impl Subject) -> bool {
    let has = |key: &&str, is: fn(Value<'_>) -> bool| span.may_have(key) && span.has(key, &mut |value| is(value));
    HTTP_STATUS.iter().any(|key| has(key, |value| matches!(value, Value::Int(429 | 418) | Value::Str("429" | "418"))))
        || RPC_STATUS
            .iter()
            .any(|key| has(key, |value| matches!(value, Value::Int(8) | Value::Str("RESOURCE_EXHAUSTED" | "8"))))
        || has(&ERROR_TYPE, |value| matches!(value, Value::Str("429" | "418" | "rate_limited" | "RESOURCE_EXHAUSTED")))
        || RATE_LIMITED.iter().any(|name| span.has_event(name))
}
