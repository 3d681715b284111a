//! Samplers as processors of the Collector.

use super::yaml::Yaml;
use otelier::config::{AttributePatterns, AttributeValues, Composable, ParentBased, Rule, Sampler};
use std::time::Duration;

/// What a sampler is in the Collector.
#[derive(Debug, PartialEq)]
pub(super) enum Head {
    /// It keeps everything, so nothing is needed.
    Everything,
    /// This share, by the trace id.
    Ratio(f64),
    /// Policies of `tail_sampling`.
    Policies(Vec<Yaml>),
}

/// How long the Collector waits for the rest of a trace.
const DECISION_WAIT: Duration = Duration::from_secs(30);

/// Below this a share is none for the Collector.
const SMALLEST: f64 = 1.0 / (1_u64 << 56) as f64;

/// What the sampler is there.
///
/// # Errors
///
/// Why it stays in the program.
pub(super) fn head(sampler: &Sampler) -> Result<Head, String> {
    match sampler {
        Sampler::AlwaysOn => Ok(Head::Everything),
        Sampler::AlwaysOff => Err("it keeps nothing".to_owned()),
        Sampler::TraceIdRatio(share) | Sampler::Probability(share) => ratio(*share),
        Sampler::AlwaysRecord(root) => head(root),
        Sampler::ParentBased(parents) => {
            let usual = ParentBased { root: parents.root.clone(), ..ParentBased::default() };
            if **parents != usual {
                return Err("it decides by the kind of parent, which a Collector does not see".to_owned());
            }
            head(&parents.root)
        }
        Sampler::RateLimit(_) | Sampler::RateLimitPerSchema(_) => {
            Err("it counts traces in a second, and a Collector spans".to_owned())
        }
        Sampler::Adaptive(_) => Err("it follows the load of the program".to_owned()),
        Sampler::Composite(composable) => composed(composable),
        _ => Err("this command does not know it".to_owned()),
    }
}

fn composed(composable: &Composable) -> Result<Head, String> {
    match composable {
        Composable::AlwaysOn => Ok(Head::Everything),
        Composable::AlwaysOff => Err("it keeps nothing".to_owned()),
        Composable::Probability(share) => ratio(*share),
        Composable::ParentThreshold(root) => composed(root),
        Composable::RateLimit(_) | Composable::RateLimitPerSchema(_) => {
            Err("it counts traces in a second, and a Collector spans".to_owned())
        }
        Composable::RuleBased(rules) => policies(rules),
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

/// Rules: the first that matches decides. So the policy of each wants that those before it do not match.
fn policies(rules: &[Rule]) -> Result<Head, String> {
    let mut policies = Vec::new();
    let mut before: Vec<Yaml> = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let number = index + 1;
        let stays = |why: &str| format!("its rule {number} {why}");
        let condition = condition(rule).map_err(&stays)?;
        let decision = match composed_in_rule(&rule.sampler).map_err(&stays)? {
            None => None,
            Some(kept) if kept >= 1.0 => Some(policy(&format!("rule_{number}"), "always_sample", None)),
            Some(kept) => Some(share(&format!("rule_{number}"), kept)),
        };
        if let Some(decision) = decision {
            let matches = condition.iter().map(|(key, values)| matching(&format!("is_{number}"), key, values, false));
            let mut all: Vec<Yaml> = before.iter().cloned().chain(matches).collect();
            if all.is_empty() {
                policies.push(decision);
            } else {
                all.push(renamed(decision, &format!("keep_{number}")));
                let and = Yaml::map([("and_sub_policy", Yaml::List(all))]);
                policies.push(policy(&format!("rule_{number}"), "and", Some(and)));
            }
        }
        let Some((key, values)) = condition else { break };
        before.push(matching(&format!("is_not_{number}"), &key, &values, true));
    }
    if policies.is_empty() { Err("it keeps nothing".to_owned()) } else { Ok(Head::Policies(policies)) }
}

/// The values of an attribute that a rule asks for.
enum Values {
    Exact(Vec<String>),
    Expressions(Vec<String>),
}

/// What a rule asks for; nothing if it always matches.
fn condition(rule: &Rule) -> Result<Option<(String, Values)>, &'static str> {
    let looks_at_span = !rule.span_names.is_empty() || !rule.span_kinds.is_empty() || !rule.parent.is_empty();
    if looks_at_span || !rule.schemas.is_empty() || rule.priority.is_some() {
        return Err("looks at the first span of a trace in a program, which a Collector does not know");
    }
    if rule.attribute_values.iter().any(|attribute| attribute.values.iter().any(String::is_empty)) {
        return Err("asks for an empty value, which a policy passes over");
    }
    match (&rule.attribute_values[..], &rule.attribute_patterns[..], &rule.attribute_ranges[..]) {
        ([], [], []) => Ok(None),
        ([AttributeValues { key, values }], [], []) => Ok(Some((key.clone(), Values::Exact(values.clone())))),
        ([], [AttributePatterns { key, included, excluded }], []) if excluded.is_empty() => {
            let expressions = match included.is_empty() {
                true => vec!["(?s)^.*$".to_owned()],
                false => included.iter().map(|pattern| expression(pattern)).collect(),
            };
            Ok(Some((key.clone(), Values::Expressions(expressions))))
        }
        ([], [_], []) => Err("excludes patterns, which a policy cannot beside others"),
        ([], [], [_]) => Err("asks for a number within bounds, which this command does not know"),
        _ => Err("asks for two things at once, which later rules could not deny"),
    }
}

/// The share that a rule keeps; nothing if none.
fn composed_in_rule(sampler: &Composable) -> Result<Option<f64>, &'static str> {
    match composed(sampler) {
        Ok(Head::Everything) => Ok(Some(1.0)),
        Ok(Head::Ratio(share)) => Ok(Some(share)),
        Ok(Head::Policies(_)) => Err("has rules of its own"),
        Err(_) if keeps_nothing(sampler) => Ok(None),
        Err(_) => Err("has a sampler that counts traces in a second, and a Collector counts spans"),
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

fn matching(name: &str, key: &str, values: &Values, denied: bool) -> Yaml {
    let (texts, are_expressions) = match values {
        Values::Exact(values) => (values, false),
        Values::Expressions(values) => (values, true),
    };
    let mut entries = vec![("key", Yaml::text(key)), ("values", Yaml::texts(texts.iter().cloned()))];
    if are_expressions {
        entries.push(("enabled_regex_matching", Yaml::Bool(true)));
    }
    if denied {
        entries.push(("invert_match", Yaml::Bool(true)));
    }
    policy(name, "string_attribute", Some(Yaml::map(entries)))
}

/// A policy, with its settings below the name of its type.
pub(super) fn policy(name: &str, kind: &str, settings: Option<Yaml>) -> Yaml {
    let mut entries = vec![("name".to_owned(), Yaml::text(name)), ("type".to_owned(), Yaml::text(kind))];
    entries.extend(settings.map(|settings| (kind.to_owned(), settings)));
    Yaml::Map(entries)
}

fn renamed(policy: Yaml, name: &str) -> Yaml {
    let Yaml::Map(mut entries) = policy else { return policy };
    if let Some((_, value)) = entries.iter_mut().find(|(key, _)| key == "name") {
        *value = Yaml::text(name);
    }
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

/// A pattern with `*` and `?` as a regular expression of the Collector (RE2).
fn expression(pattern: &str) -> String {
    format!("(?s)^{}$", super::ottl::pattern(pattern))
}

#[cfg(test)]
mod tests {
    use super::*;
    use otelier::config::{Adaptive, SpanParent};
    use otelier::schema::Kind;

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
            assert_eq!(head(&sampler), expected.map_err(str::to_owned), "{sampler:?}");
        }
    }

    #[test]
    fn percentages_are_what_a_person_would_write() {
        for (share, text) in [(0.07, "7"), (0.1, "10"), (0.001, "0.1"), (1.0 / 3.0, "33.333332"), (1e-9, "0.0000001")] {
            assert_eq!(percentage(share), Yaml::Number(text.to_owned()));
        }
    }

    #[test]
    fn the_first_rule_that_matches_decides() {
        let rules = vec![
            Rule::new(Composable::AlwaysOff).attribute_is("url.path", ["/health"]),
            Rule::new(Composable::AlwaysOn).attribute_like("url.path", ["/orders/*"]),
            Rule::new(Composable::Probability(0.1)),
            Rule::new(Composable::AlwaysOn),
        ];
        let Ok(Head::Policies(policies)) = head(&Sampler::Composite(Composable::RuleBased(rules))) else {
            panic!("these rules can be said")
        };
        let mut text = String::new();
        Yaml::List(policies).write(&mut text, 0);
        assert_eq!(
            text,
            r#"- name: rule_2
  type: and
  and:
    and_sub_policy:
      - name: is_not_1
        type: string_attribute
        string_attribute:
          key: url.path
          values: [/health]
          invert_match: true
      - name: is_2
        type: string_attribute
        string_attribute:
          key: url.path
          values: ["(?s)^/orders/.*$$"]
          enabled_regex_matching: true
      - name: keep_2
        type: always_sample
- name: rule_3
  type: and
  and:
    and_sub_policy:
      - name: is_not_1
        type: string_attribute
        string_attribute:
          key: url.path
          values: [/health]
          invert_match: true
      - name: is_not_2
        type: string_attribute
        string_attribute:
          key: url.path
          values: ["(?s)^/orders/.*$$"]
          enabled_regex_matching: true
          invert_match: true
      - name: keep_3
        type: probabilistic
        probabilistic:
          sampling_percentage: 10
"#
        );
    }

    #[test]
    fn rules_that_cannot_be_said_are_named() {
        let on = || Rule::new(Composable::AlwaysOn);
        for (rule, why) in [
            (on().span_kind(Kind::Server), "looks at the first span"),
            (on().span_name("GET *"), "looks at the first span"),
            (on().parent(SpanParent::None), "looks at the first span"),
            (on().attribute_is("a", ["1"]).attribute_like("b", ["2"]), "asks for two things"),
            (on().attribute_is("a", ["1", ""]), "asks for an empty value"),
            (Rule::new(Composable::RateLimit(1.0)), "counts traces in a second"),
            (Rule::new(Composable::RuleBased(vec![on()])), "has rules of its own"),
        ] {
            let rules = vec![on().attribute_is("x", ["y"]), rule];
            let error = head(&Sampler::Composite(Composable::RuleBased(rules))).unwrap_err();
            assert!(error.starts_with("its rule 2 ") && error.contains(why), "{error}");
        }
        let nothing = vec![Rule::new(Composable::AlwaysOff)];
        assert_eq!(head(&Sampler::Composite(Composable::RuleBased(nothing))), Err("it keeps nothing".to_owned()));
    }
}
