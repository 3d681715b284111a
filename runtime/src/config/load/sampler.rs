//! `tracer_provider.sampler`.

use super::Findings;
use super::cursor::Cursor;
use super::rule::rule;
use crate::config::{Adaptive, Composable, JaegerRemote, ParentBased, Sampler};
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
        "otelier/rate_limit" => match rate_limit(&settings)? {
            (rate, true) => Sampler::RateLimitPerSchema(rate),
            (rate, false) => Sampler::RateLimit(rate),
        },
        "otelier/adaptive" => Sampler::Adaptive(adaptive(&settings)),
        "jaeger_remote/development" => Sampler::JaegerRemote(jaeger_remote(&settings, findings)?),
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
    set("error_boost", &mut adaptive.error_boost);
    adaptive.traces_per_second = settings.get("traces_per_second").and_then(|rate| rate.number());
    adaptive.consistent = settings.get("consistent").and_then(|found| found.bool()).unwrap_or(adaptive.consistent);
    adaptive
}

/// What is wrong is said here, where its place is known, and does not come as far as the check of the sampler.
fn jaeger_remote(settings: &Cursor<'_>, findings: &mut Findings) -> Option<JaegerRemote> {
    let mut remote = JaegerRemote::default();
    let endpoint = settings.get("endpoint")?;
    let given = JaegerRemote::to(endpoint.text()?);
    match JaegerRemote::expected_endpoint(&given.endpoint) {
        Some(expected) => endpoint.expected(&given.shown(), expected, findings),
        None => remote.endpoint = given.endpoint,
    }
    if let Some(interval) = settings.get("interval")
        && let Some(given) = interval.milliseconds()
    {
        match given < JaegerRemote::SHORTEST {
            true => interval.expected(&given.as_millis().to_string(), "at least 10", findings),
            false => remote.interval = given,
        }
    }
    if let Some(initial) = settings.get("initial_sampler")
        && let Some(given) = sampler(&initial, findings)
    {
        match given.has_remote() {
            true => initial.refuse("it asks a server, too; expected what decides until the first answer", findings),
            false => remote.initial_sampler = Box::new(given),
        }
    }
    Some(remote)
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

pub(super) fn composable(cursor: &Cursor<'_>, findings: &mut Findings) -> Option<Composable> {
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
        "otelier/rate_limit" => match rate_limit(&settings)? {
            (rate, true) => Composable::RateLimitPerSchema(rate),
            (rate, false) => Composable::RateLimit(rate),
        },
        _ => {
            let known = ["always_on", "always_off", "probability", "parent_threshold", "rule_based"];
            settings.unknown("composable sampler", known.into_iter(), findings);
            return None;
        }
    })
}

/// So many traces a second, and whether that is for each schema.
fn rate_limit(settings: &Cursor<'_>) -> Option<(f64, bool)> {
    let per_schema = settings.get("per").is_some_and(|per| per.text() == Some("schema"));
    Some((settings.get("traces_per_second")?.number()?, per_schema))
}

/// The kinds of spans at `span_kinds`, whose words have been checked.
pub(super) fn span_kinds(item: &Cursor<'_>) -> Vec<Kind> {
    let kind = |word: &String| match word.as_str() {
        "internal" => Some(Kind::Internal),
        "server" => Some(Kind::Server),
        "client" => Some(Kind::Client),
        "producer" => Some(Kind::Producer),
        "consumer" => Some(Kind::Consumer),
        _ => None,
    };
    item.texts("span_kinds").iter().filter_map(kind).collect()
}
