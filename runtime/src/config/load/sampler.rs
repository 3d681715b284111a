//! `tracer_provider.sampler`.

use super::Findings;
use super::cursor::Cursor;
use crate::config::{Adaptive, AttributePatterns, AttributeValues, Composable, ParentBased, Rule, Sampler, SpanParent};
use crate::schema::Kind;

pub(super) fn sampler(cursor: &Cursor<'_>, findings: &mut Findings) -> Option<Sampler> {
    let (name, settings) = cursor.only()?;
    let ratio = || settings.get("ratio").and_then(|ratio| ratio.number()).unwrap_or(1.0);
    Some(match name {
        "always_on" => Sampler::AlwaysOn,
        "always_off" => Sampler::AlwaysOff,
        "trace_id_ratio_based" => Sampler::TraceIdRatio(ratio()),
        "probability/development" => Sampler::Probability(ratio()),
        "parent_based" => Sampler::ParentBased(Box::new(parent_based(&settings, findings))),
        "always_record" => {
            let root = settings.get("root").and_then(|root| sampler(&root, findings));
            Sampler::AlwaysRecord(Box::new(root.unwrap_or(Sampler::AlwaysOn)))
        }
        "composite/development" => Sampler::Composite(composable(&settings, findings)?),
        "otelier/rate_limit" => Sampler::RateLimit(settings.get("traces_per_second")?.number()?),
        "otelier/adaptive" => Sampler::Adaptive(adaptive(&settings)),
        "jaeger_remote/development" => {
            settings
                .refuse("no sampler here asks a server; expected one of the others, such as `parent_based`", findings);
            return None;
        }
        _ => {
            let known = ["always_on", "always_off", "trace_id_ratio_based", "parent_based", "composite/development"];
            settings.unknown("sampler", known.into_iter(), findings);
            return None;
        }
    })
}

fn adaptive(settings: &Cursor<'_>) -> Adaptive {
    let mut adaptive = Adaptive::default();
    let set = |key, value: &mut f64| {
        if let Some(number) = settings.get(key).and_then(|found| found.number()) {
            *value = number;
        }
    };
    adaptive.ratios().into_iter().for_each(|(key, ratio)| set(key, ratio));
    adaptive.thresholds().into_iter().for_each(|(key, percent)| set(key, percent));
    adaptive
}

fn parent_based(settings: &Cursor<'_>, findings: &mut Findings) -> ParentBased {
    let usual = ParentBased::default();
    let mut branch =
        |key: &str, usual: Sampler| settings.get(key).and_then(|branch| sampler(&branch, findings)).unwrap_or(usual);
    ParentBased {
        root: branch("root", usual.root),
        remote_parent_sampled: branch("remote_parent_sampled", usual.remote_parent_sampled),
        remote_parent_not_sampled: branch("remote_parent_not_sampled", usual.remote_parent_not_sampled),
        local_parent_sampled: branch("local_parent_sampled", usual.local_parent_sampled),
        local_parent_not_sampled: branch("local_parent_not_sampled", usual.local_parent_not_sampled),
    }
}

fn composable(cursor: &Cursor<'_>, findings: &mut Findings) -> Option<Composable> {
    let (name, settings) = cursor.only()?;
    Some(match name {
        "always_on" => Composable::AlwaysOn,
        "always_off" => Composable::AlwaysOff,
        "probability" => Composable::Probability(settings.get("ratio").and_then(|ratio| ratio.number()).unwrap_or(1.0)),
        "parent_threshold" => Composable::ParentThreshold(Box::new(composable(&settings.get("root")?, findings)?)),
        "rule_based" => {
            let rules = settings.items("rules");
            // No rule matches: nothing is kept.
            match rules.is_empty() {
                true => Composable::AlwaysOff,
                false => Composable::RuleBased(rules.iter().filter_map(|item| rule(item, findings)).collect()),
            }
        }
        "otelier/rate_limit" => Composable::RateLimit(settings.get("traces_per_second")?.number()?),
        _ => {
            let known = ["always_on", "always_off", "probability", "parent_threshold", "rule_based"];
            settings.unknown("composable sampler", known.into_iter(), findings);
            return None;
        }
    })
}

fn rule(item: &Cursor<'_>, findings: &mut Findings) -> Option<Rule> {
    let mut rule = Rule::new(composable(&item.get("sampler")?, findings)?);
    if let Some(values) = item.get("attribute_values") {
        let key = values.get("key")?.text()?.to_owned();
        rule.attribute_values = Some(AttributeValues { key, values: values.texts("values") });
    }
    if let Some(patterns) = item.get("attribute_patterns") {
        let key = patterns.get("key")?.text()?.to_owned();
        let (included, excluded) = (patterns.texts("included"), patterns.texts("excluded"));
        rule.attribute_patterns = Some(AttributePatterns { key, included, excluded });
    }
    rule.span_names = item.texts("otelier/span_names");
    // The words have been checked.
    rule.span_kinds.extend(item.texts("span_kinds").iter().filter_map(|kind| match kind.as_str() {
        "internal" => Some(Kind::Internal),
        "server" => Some(Kind::Server),
        "client" => Some(Kind::Client),
        "producer" => Some(Kind::Producer),
        "consumer" => Some(Kind::Consumer),
        _ => None,
    }));
    rule.parent.extend(item.texts("parent").iter().filter_map(|parent| match parent.as_str() {
        "none" => Some(SpanParent::None),
        "remote" => Some(SpanParent::Remote),
        "local" => Some(SpanParent::Local),
        _ => None,
    }));
    Some(rule)
}
