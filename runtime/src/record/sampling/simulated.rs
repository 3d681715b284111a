//! The head decision on traces that were recorded before: with the samplers themselves, at moments of a simulation.

use super::RANDOM_MASK;
use super::consistent::Ot;
use super::node::{Asked, Node, Reason};
use super::rules::{Given, Who};
use crate::record::{Callsite, Constant, Priority};
use crate::schema::SchemaDef;
use opentelemetry::trace::{SpanContext, TraceState};
use opentelemetry::{KeyValue, Value};
use otelier_spec::Kind;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// A trace that enters a process of a simulation, as its first span there has it.
pub(crate) struct Entering<'a> {
    pub(crate) trace_id: u128,
    /// Not valid if there is none.
    pub(crate) parent: &'a SpanContext,
    pub(crate) name: &'a str,
    pub(crate) kind: Kind,
    pub(crate) schema: &'a str,
    pub(crate) priority: Priority,
    pub(crate) attributes: &'a [KeyValue],
    /// In nanoseconds.
    pub(crate) now: u64,
}

/// What the sampler says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Entered {
    pub(crate) sampled: bool,
    pub(crate) reason: &'static str,
    /// The number of the last rule that matched.
    pub(crate) rule: Option<usize>,
}

/// Asks this sampler, which need not be the one that is installed.
pub(crate) fn simulate(node: &Node, entering: &Entering<'_>) -> Entered {
    let site = SiteOf {
        schema: entering.schema.to_owned(),
        operation: text_of(entering.attributes, OPERATION).unwrap_or_default().to_owned(),
        priority: entering.priority,
    };
    let who = Who {
        callsite: site.callsite(),
        name: entering.name,
        kind: entering.kind,
        given: Given::KeyValues(entering.attributes),
        links: &[],
    };
    let trace = ((entering.trace_id >> 64) as u64, entering.trace_id as u64);
    let answer = node.ask(&Asked { now: Some(entering.now), ..Asked::new(trace, entering.parent, who) });
    let reason = match answer.reason {
        Reason::Off if answer.sampled => "always_on",
        Reason::Off => "always_off",
        Reason::Parent => "parent",
        Reason::Ratio => "ratio",
        Reason::RateLimit => "rate_limit",
        Reason::NoRule => "no_rule",
        Reason::Target => "target",
        Reason::ExchangeBudget => "exchange_budget",
        Reason::Load => "load",
        Reason::ExtremeLoad => "extreme_load",
        Reason::Hint => "hint",
        Reason::Custom => "custom",
        Reason::Panicked => "panicked",
    };
    Entered { sampled: answer.sampled, reason, rule: answer.rule }
}

/// What the rules of a sampler are called, by their numbers.
pub(crate) fn rule_names(node: &Node) -> Vec<String> {
    let mut named = Vec::new();
    node.each_rule(&mut |rule| named.push((rule.number, rule.name.to_string())));
    named.sort_unstable();
    named.into_iter().map(|(_, name)| name).collect()
}

/// How many traces one with this state stands for, if its samplers have told.
pub(crate) fn adjusted_count(state: &TraceState) -> Option<f64> {
    let threshold = Ot::of(state).threshold?;
    Some((RANDOM_MASK + 1) as f64 / (RANDOM_MASK + 1 - threshold.min(RANDOM_MASK)) as f64)
}

/// What says what schemas of the program's own stand for.
const OPERATION: &str = "crypto.operation_type";
/// So many different call sites are made; what comes then counts as one without a schema.
const MOST_SITES: usize = 1024;

/// What samplers look at of a call site. Each of these is made once in the life of the process, because call sites are
/// looked at as what lives as long.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct SiteOf {
    schema: String,
    operation: String,
    priority: Priority,
}

static SITES: Mutex<Option<HashMap<SiteOf, &'static Callsite>>> = Mutex::new(None);
static PLAIN: Callsite = Callsite::new("", Kind::Internal);

impl SiteOf {
    fn callsite(self) -> &'static Callsite {
        let mut sites = SITES.lock().unwrap_or_else(PoisonError::into_inner);
        let sites = sites.get_or_insert_default();
        if let Some(site) = sites.get(&self) {
            return site;
        }
        if sites.len() == MOST_SITES {
            return &PLAIN;
        }
        let text = |text: &str| -> &'static str { Box::leak(text.into()) };
        let schema: Option<&'static SchemaDef> = (!self.schema.is_empty())
            .then(|| &*Box::leak(Box::new(SchemaDef { id: text(&self.schema), ..SchemaDef::__NEW })));
        let constants: &'static [_] = match self.operation.as_str() {
            "" => &[],
            operation => Box::leak(Box::new([(OPERATION, Constant::Str(text(operation)))])),
        };
        let site = Callsite { schema, constants, priority: self.priority, ..Callsite::new("", Kind::Internal) };
        let site = &*Box::leak(Box::new(site));
        sites.insert(self, site);
        site
    }
}

fn text_of<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a str> {
    attributes.iter().find(|attribute| attribute.key.as_str() == key).and_then(|attribute| match &attribute.value {
        Value::String(text) => Some(text.as_str()),
        _ => None,
    })
}
