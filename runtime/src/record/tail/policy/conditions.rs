//! What a span has to be like for a rule to match it, besides failing and taking long.

use super::Subject;
use crate::record::Priority;
use crate::record::matching::{Condition, Patterns};
use crate::record::view::Value;
use otelier_spec::Kind;

/// Conditions; an empty list asks for nothing.
#[derive(Debug, Default)]
pub(crate) struct Conditions {
    pub(crate) kinds: Vec<Kind>,
    /// At least this.
    pub(crate) priority: Option<Priority>,
    /// One of which the id of the schema has to match.
    pub(crate) schemas: Patterns,
    /// One of which the name has to match.
    pub(crate) names: Patterns,
    /// All of these.
    pub(crate) attributes: Vec<Condition>,
    pub(crate) rate_limited: bool,
    pub(crate) budget_exceeded: bool,
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
            && self.attributes.iter().all(|condition| span.may_have(&condition.key))
            && (!self.budget_exceeded || [BUDGET_EXCEEDED, SLO_COMPLIANT].iter().any(may_have))
    }

    /// Cheapest first.
    #[inline]
    pub(super) fn are_met_by(&self, span: &impl Subject) -> bool {
        self.are_met_by_what_is_settled(span)
            && (!self.budget_exceeded || is_over_budget(span))
            && self.attributes.iter().all(|condition| is_met_by(condition, span))
            && (!self.rate_limited || is_rate_limited(span))
            && (self.names.is_empty() || self.is_named(span))
    }

    #[inline]
    fn are_met_by_what_is_settled(&self, span: &impl Subject) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&span.kind()))
            && self.priority.is_none_or(|least| span.priority() >= least)
            && (self.schemas.is_empty() || self.schemas.have(span.schema()) && !span.schema().is_empty())
    }

    fn is_named(&self, span: &impl Subject) -> bool {
        let mut is = false;
        span.with_name(&mut |name| is = self.names.have(name));
        is
    }
}

fn is_met_by(condition: &Condition, span: &impl Subject) -> bool {
    span.has(&condition.key, &mut |value| condition.wanted.is(value))
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
