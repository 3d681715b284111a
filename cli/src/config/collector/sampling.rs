//! Samplers as processors of the Collector.

use super::ottl::{self, Asked};
use super::sites::Seen;
use super::tail::{self, Part, Share};
use super::yaml::Yaml;
use otelier::config::{Composable, Keep, ParentBased, Rule, Sampler, SpanParent, TailRule};
use std::collections::HashSet;
use std::time::Duration;

/// What a sampler is in the Collector.
#[derive(Debug, PartialEq)]
pub(super) enum Head {
    /// It keeps everything, so nothing is needed.
    Everything,
    /// This share, by the trace id.
    Ratio(f64),
    /// Policies of `tail_sampling`.
    Rules(Rules),
}

/// The rules of a sampler.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Rules {
    /// A policy for each that refuses something, which drops it.
    pub(super) drops: Vec<Yaml>,
    /// The names of all rules.
    pub(super) names: HashSet<String>,
    /// What is not as it is in programs.
    pub(super) notes: Vec<String>,
}

/// The span with which a trace begins in a program, as far as a Collector knows it.
const FIRST: &str = "(IsRootSpan() or span.kind == SPAN_KIND_SERVER or span.kind == SPAN_KIND_CONSUMER)";
/// The one that begins the trace: where parents decide, nobody else is asked.
const ROOT: &str = "IsRootSpan()";

/// How long the Collector waits for the rest of a trace.
const DECISION_WAIT: Duration = Duration::from_secs(30);

/// Below this a share is none for the Collector.
const SMALLEST: f64 = 1.0 / (1_u64 << 56) as f64;

/// What the sampler is there.
///
/// # Errors
///
/// Why it stays in the program.
pub(super) fn head(sampler: &Sampler, seen: Seen<'_>) -> Result<Head, String> {
    of(sampler, FIRST, seen)
}

fn of(sampler: &Sampler, first: &str, seen: Seen<'_>) -> Result<Head, String> {
    match sampler {
        Sampler::AlwaysOn => Ok(Head::Everything),
        Sampler::AlwaysOff => Err("it keeps nothing".to_owned()),
        Sampler::TraceIdRatio(share) | Sampler::Probability(share) => ratio(*share),
        Sampler::AlwaysRecord(root) => of(root, first, seen),
        Sampler::ParentBased(parents) => {
            let usual = ParentBased { root: parents.root.clone(), ..ParentBased::default() };
            if **parents != usual {
                return Err("it decides by the kind of parent, which a Collector does not see".to_owned());
            }
            of(&parents.root, ROOT, seen)
        }
        Sampler::RateLimit(_) | Sampler::RateLimitPerSchema(_) => {
            Err("it counts traces in a second, and a Collector spans".to_owned())
        }
        Sampler::Adaptive(_) => Err("it follows the load of the program".to_owned()),
        Sampler::Composite(composable) => composed(composable, first, seen),
        _ => Err("this command does not know it".to_owned()),
    }
}

fn composed(composable: &Composable, first: &str, seen: Seen<'_>) -> Result<Head, String> {
    match composable {
        Composable::AlwaysOn => Ok(Head::Everything),
        Composable::AlwaysOff => Err("it keeps nothing".to_owned()),
        Composable::Probability(share) => ratio(*share),
        Composable::ParentThreshold(root) => composed(root, ROOT, seen),
        Composable::RateLimit(_) | Composable::RateLimitPerSchema(_) => {
            Err("it counts traces in a second, and a Collector spans".to_owned())
        }
        Composable::RuleBased(rules) => dropped(rules, first, seen),
        _ => Err("this command does not know it".to_owned()),
    }
}

fn ratio(share: f64) -> Result<Head, String> {
    match share {
        share if share >= 1.0 => Ok(Head::Everything),
        share if share < SMALLEST => Err("it keeps nothing".to_owned()),
        share => Ok(Head::Ratio(share)),
    }
}

/// The processor that keeps this share. Traces that were sampled already at this share or a smaller one pass.
pub(super) fn probabilistic(share: f64) -> Yaml {
    Yaml::map([
        ("mode", Yaml::text("equalizing")),
        ("sampling_percentage", percentage(share)),
        // A span whose `tracestate` nobody can read is kept.
        ("fail_closed", Yaml::Bool(false)),
    ])
}

/// The processor that decides by these policies.
pub(super) fn tail(policies: Vec<Yaml>, wait: Duration) -> Yaml {
    Yaml::map([
        ("decision_wait", Yaml::text(super::duration(wait))),
        ("num_traces", Yaml::Integer(50_000)),
        ("policies", Yaml::List(policies)),
    ])
}

/// How long rules wait for the rest of a trace.
pub(super) fn wait_of_rules() -> Duration {
    DECISION_WAIT
}

/// What rules refuse, the first that matches decides: each that does not keep everything is a policy that drops, and asks that no
/// rule before it matches. A trace whose first span does not come to the Collector is left to others.
fn dropped(rules: &[Rule], first: &str, seen: Seen<'_>) -> Result<Head, String> {
    let mut made = Rules::default();
    let mut before: Vec<String> = Vec::new();
    let (mut keeps, mut ends) = (false, false);
    for (number, rule) in rules.iter().enumerate() {
        let name = tail::name(rule.name.as_deref(), number, &mut made.names);
        let stays = |why: &str| format!("its rule `{name}` {why}");
        let share = composed_in_rule(&rule.sampler, seen).map_err(&stays)?;
        let asked = as_of_tail(&name, rule).map_err(&stays)?;
        let mut comments = Vec::new();
        let mut matches = first.to_owned();
        if let Some(parent) = of_parent(&rule.parent).filter(|parent| *parent != first) {
            matches = format!("{matches} and {parent}");
        }
        match ottl::asked(&asked, seen.sites) {
            Asked::Nothing => {}
            Asked::Condition(condition) => matches = format!("{matches} and {condition}"),
            Asked::Unseen(why) => return Err(format!("its rule `{name}` cannot be asked here: {why}")),
            Asked::Nobody => {
                made.notes.push(format!("rule `{name}` of the sampler is left out: {}", tail::nobody(&asked, seen)));
                continue;
            }
        }
        tail::remarks(&name, &asked, seen, &mut made.notes, &mut comments);
        ends = matches == first;
        let below = match share {
            Share::Threshold(threshold) => Some(ottl::stays_below(threshold)),
            _ => None,
        };
        keeps |= !matches!(share, Share::Nothing);
        if !matches!(share, Share::All) {
            let mut parts = vec![("matches", Part::Condition(vec![matches.clone()]))];
            if !before.is_empty() {
                parts.push(("no rule before it", Part::Not(before.clone())));
            }
            parts.extend(below.map(|below| ("share", Part::Condition(vec![below]))));
            made.drops.push(Yaml::noted(comments, drop(&name, parts)));
        }
        if ends {
            break;
        }
        before.push(matches);
    }
    if !ends {
        // What no rule matches is not kept.
        let name = tail::name(Some("no rule of the sampler"), 0, &mut made.names);
        let parts = vec![("matches", Part::Condition(vec![first.to_owned()])), ("no rule", Part::Not(before))];
        made.drops.push(drop(&name, parts));
    }
    match (keeps, made.drops.is_empty()) {
        (false, _) => Err("it keeps nothing".to_owned()),
        (true, true) => Ok(Head::Everything),
        (true, false) => Ok(Head::Rules(made)),
    }
}

fn drop(name: &str, parts: Vec<(&str, Part)>) -> Yaml {
    let parts = parts.into_iter().map(|(name, part)| part.policy(name)).collect();
    policy(name, "drop", Some(Yaml::map([("drop_sub_policy", Yaml::List(parts))])))
}

/// What a rule asks of a span, except for its parent.
fn as_of_tail(name: &str, rule: &Rule) -> Result<TailRule, &'static str> {
    if rule.parent.contains(&SpanParent::Local) && !rule.parent.contains(&SpanParent::None) {
        return Err("looks for spans below those of somebody else's tracer, which a Collector does not know");
    }
    let mut asked = TailRule::new(name, Keep::Always);
    // Of a name with attributes in it, a rule means the annotation's, and a Collector sees their values.
    asked.span_names = rule.span_names.iter().map(|pattern| without_braces(pattern)).collect();
    asked.span_kinds.clone_from(&rule.span_kinds);
    asked.schemas.clone_from(&rule.schemas);
    asked.attribute_values.clone_from(&rule.attribute_values);
    asked.attribute_patterns.clone_from(&rule.attribute_patterns);
    asked.attribute_ranges.clone_from(&rule.attribute_ranges);
    asked.priority = rule.priority;
    Ok(asked)
}

fn of_parent(parents: &[SpanParent]) -> Option<&'static str> {
    let has = |parent| parents.contains(&parent);
    match (has(SpanParent::None), has(SpanParent::Remote)) {
        (true, false) => Some("IsRootSpan()"),
        (false, true) => Some("not IsRootSpan()"),
        _ => None,
    }
}

/// A pattern in which `{attribute}` is any text.
fn without_braces(pattern: &str) -> String {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some((before, (_, behind))) = rest.split_once('{').and_then(|(a, b)| Some((a, b.split_once('}')?))) {
        out.push_str(before);
        out.push('*');
        rest = behind;
    }
    out + rest
}

/// The share that a rule keeps.
fn composed_in_rule(sampler: &Composable, seen: Seen<'_>) -> Result<Share, &'static str> {
    match composed(sampler, FIRST, seen) {
        Ok(Head::Everything) => Ok(Share::All),
        Ok(Head::Ratio(share)) => Ok(tail::of_ratio(share)),
        Ok(Head::Rules(_)) => Err("has rules of its own"),
        Err(_) if keeps_nothing(sampler) => Ok(Share::Nothing),
        Err(_) if has_rules(sampler) => Err("has rules of its own"),
        Err(_) => Err("has a sampler that counts traces in a second, and a Collector counts spans"),
    }
}

fn has_rules(sampler: &Composable) -> bool {
    match sampler {
        Composable::RuleBased(_) => true,
        Composable::ParentThreshold(root) => has_rules(root),
        _ => false,
    }
}

fn keeps_nothing(sampler: &Composable) -> bool {
    match sampler {
        Composable::AlwaysOff => true,
        Composable::Probability(share) => *share < SMALLEST,
        Composable::ParentThreshold(root) => keeps_nothing(root),
        _ => false,
    }
}

/// A policy, with its settings below the name of its type.
pub(super) fn policy(name: &str, kind: &str, settings: Option<Yaml>) -> Yaml {
    let mut entries = vec![("name".to_owned(), Yaml::text(name)), ("type".to_owned(), Yaml::text(kind))];
    entries.extend(settings.map(|settings| (kind.to_owned(), settings)));
    Yaml::Map(entries)
}

pub(super) fn share(name: &str, share: f64) -> Yaml {
    policy(name, "probabilistic", Some(Yaml::map([("sampling_percentage", percentage(share))])))
}

/// As the Collector keeps it, in 32 bits, so that 0.07 is 7.
#[allow(clippy::cast_possible_truncation)]
fn percentage(share: f64) -> Yaml {
    Yaml::Number(((share * 100.0) as f32).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use otelier::config::Adaptive;

    #[test]
    fn shares_are_said_and_what_needs_the_program_stays() {
        for (sampler, expected) in [
            (Sampler::default(), Ok(Head::Everything)),
            (Sampler::TraceIdRatio(1.0), Ok(Head::Everything)),
            (Sampler::parent_based(0.25), Ok(Head::Ratio(0.25))),
            (Sampler::AlwaysRecord(Box::new(Sampler::Probability(0.5))), Ok(Head::Ratio(0.5))),
            (Sampler::AlwaysOff, Err("it keeps nothing")),
            (Sampler::Probability(0.0), Err("it keeps nothing")),
            (Sampler::RateLimit(5.0), Err("it counts traces in a second, and a Collector spans")),
            (Sampler::Adaptive(Adaptive::default()), Err("it follows the load of the program")),
            (
                Sampler::ParentBased(Box::new(ParentBased {
                    remote_parent_sampled: Sampler::AlwaysOff,
                    ..ParentBased::default()
                })),
                Err("it decides by the kind of parent, which a Collector does not see"),
            ),
        ] {
            assert_eq!(head(&sampler, Seen::default()), expected.map_err(str::to_owned), "{sampler:?}");
        }
    }

    #[test]
    fn percentages_are_what_a_person_would_write() {
        for (share, text) in [(0.07, "7"), (0.1, "10"), (0.001, "0.1"), (1.0 / 3.0, "33.333332"), (1e-9, "0.0000001")] {
            assert_eq!(percentage(share), Yaml::Number(text.to_owned()));
        }
    }

    fn of_rules(rules: Vec<Rule>) -> Result<Head, String> {
        head(&Sampler::Composite(Composable::RuleBased(rules)), Seen::default())
    }

    #[test]
    fn each_rule_that_refuses_something_drops_it_unless_one_before_it_matches() {
        let rules = vec![
            Rule::new(Composable::AlwaysOff).named("health").attribute_is("url.path", ["/health"]),
            Rule::new(Composable::AlwaysOn).attribute_like("url.path", ["/orders/*"]),
            Rule::new(Composable::Probability(0.5)),
            Rule::new(Composable::AlwaysOn),
        ];
        let parents = ParentBased { root: Sampler::Composite(Composable::RuleBased(rules)), ..ParentBased::default() };
        let Ok(Head::Rules(made)) = head(&Sampler::ParentBased(Box::new(parents)), Seen::default()) else {
            panic!("these rules can be said")
        };
        let mut text = String::new();
        Yaml::List(made.drops).write(&mut text, 0);
        let found: Vec<&str> = text.lines().map(str::trim).collect();
        let is_there = |line: &str| found.iter().any(|found| found.starts_with(line));
        assert!(is_there("- name: health") && is_there("- name: \"rules[2]\""), "{text}");
        assert!(!text.contains("rules[1]") && !text.contains("rules[3]"), "what keeps all drops nothing\n{text}");
        assert!(
            text.contains("IsRootSpan() and (IsMatch(span.attributes[\\\"url.path\\\"], \\\"(?s)^/health$$\\\")"),
            "{text}"
        );
        assert_eq!(text.matches("type: drop\n").count(), 2, "{text}");
        assert_eq!(text.matches("- name: \"no rule before it\"\n").count(), 1, "{text}");
        assert!(
            text.contains("span: [\"Substring(span.trace_id.string, 18, 14) < \\\"80000000000000\\\"\"]"),
            "{text}"
        );
        assert!(text.contains("span: [IsRootSpan()]") || text.contains("span: [\"IsRootSpan()\"]"), "{text}");
        assert_eq!(made.names.len(), 3);
    }

    #[test]
    fn rules_that_cannot_be_said_are_named() {
        let on = || Rule::new(Composable::AlwaysOn);
        let mut high = on();
        high.priority = Some(otelier::Priority::High);
        for (rule, why) in [
            (
                on().parent(SpanParent::Local),
                "its rule `rules[1]` looks for spans below those of somebody else's tracer",
            ),
            (
                high.named("vip"),
                "its rule `vip` cannot be asked here: it asks for `priority: high`, which annotations say and",
            ),
            (Rule::new(Composable::RateLimit(1.0)), "its rule `rules[1]` has a sampler that counts traces in a second"),
            (
                Rule::new(Composable::RuleBased(vec![on().attribute_is("a", ["b"])])),
                "its rule `rules[1]` has rules of its own",
            ),
            (Rule::new(Composable::RuleBased(vec![Rule::new(Composable::AlwaysOff)])), "has rules of its own"),
        ] {
            let error = of_rules(vec![on().attribute_is("x", ["y"]), rule]).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        assert_eq!(of_rules(vec![Rule::new(Composable::AlwaysOff)]), Err("it keeps nothing".to_owned()));
        assert_eq!(of_rules(vec![on().attribute_is("x", ["y"]), on()]), Ok(Head::Everything));
    }

    #[test]
    fn names_with_attributes_in_them_stand_for_all_values() {
        for (pattern, expected) in
            [("load {app.symbol}", "load *"), ("{a}{b} c {d", "** c {d"), ("GET *", "GET *"), ("}", "}")]
        {
            assert_eq!(without_braces(pattern), expected);
        }
    }
}
