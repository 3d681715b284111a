//! The policies of `tail_sampling` that keep what the rules of programs keep.
//!
//! A policy that samples is enough for a trace to be kept, whichever it is. So there is one for each rule that keeps something,
//! and it asks that no rule before it matches; a rule that keeps nothing is only asked for there. What drops traces are the rules
//! of the sampler, which stand before these.

use super::ottl::{self, Asked};
use super::sampling::{policy, share};
use super::sites::{Seen, Those};
use super::yaml::Yaml;
use otelier::config::{Keep, TailRule, TailSampling, probability_threshold};
use std::collections::HashSet;
use std::time::Duration;

/// The first release that has what these policies are made of: `not` below `and`, and paths with `span.` before them.
pub(super) const FIRST_RELEASE: &str = "0.154";

/// Above every random part.
const NOTHING: u64 = 1 << 56;

/// How long a span takes from a program to its Collector at most.
const ON_THE_WAY: Duration = Duration::from_secs(10);

/// What decides on traces in a Collector.
pub(super) struct Tail {
    pub(super) policies: Vec<Yaml>,
    /// How long it waits for the rest of a trace.
    pub(super) wait: Duration,
    /// What is not as it is in programs.
    pub(super) notes: Vec<String>,
}

/// What happens to the traces of a rule.
pub(super) enum Share {
    All,
    Nothing,
    Threshold(u64),
    /// Spans a second.
    Spans(u64),
}

/// A rule, or what holds where none matches.
struct Step {
    name: String,
    /// `None` matches every trace.
    condition: Option<String>,
    share: Share,
    /// What there is to say beside it.
    comments: Vec<String>,
}

/// What these rules become, with names that are not `taken`; nothing if they keep every trace.
pub(super) fn of(tail: &TailSampling, seen: Seen<'_>, spans_per_trace: u64, taken: HashSet<String>) -> Option<Tail> {
    let mut notes = Vec::new();
    let steps = steps(tail, seen, spans_per_trace, taken, &mut notes);
    if steps.iter().all(|step| matches!(step.share, Share::All)) {
        return None;
    }
    let mut policies = Vec::new();
    let mut silent: Vec<String> = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let made = step_policy(&steps[..number], step);
        let comments = step.comments.iter().cloned();
        match made {
            Some(made) => policies.push(Yaml::noted(silent.drain(..).chain(comments), made)),
            None => silent.extend(comments),
        }
    }
    if policies.is_empty() {
        policies.push(share("nothing", 0.0));
    }
    // What belongs to rules behind the last policy.
    if !silent.is_empty()
        && let Some(last) = policies.pop()
    {
        policies.push(Yaml::noted(silent, last));
    }
    let longest = steps_longest(tail);
    let wait = tail.decide_after.max(longest.map_or(Duration::ZERO, |longest| longest.saturating_add(ON_THE_WAY)));
    if wait > tail.decide_after {
        notes.push(format!(
            "`decision_wait` is {}, not the {} of `decide_after`: a span comes when it has ended, and a rule asks for spans as \
             long as that",
            super::duration(wait),
            super::duration(tail.decide_after)
        ));
    }
    Some(Tail { policies, wait: wait.max(Duration::from_secs(1)), notes })
}

/// The longest duration that a rule asks for.
fn steps_longest(tail: &TailSampling) -> Option<Duration> {
    tail.all_rules().iter().filter_map(|rule| rule.slower_than).max()
}

/// All rules in their order, the short forms behind them, and what holds for the rest.
fn steps(
    tail: &TailSampling,
    seen: Seen<'_>,
    spans_per_trace: u64,
    mut names: HashSet<String>,
    notes: &mut Vec<String>,
) -> Vec<Step> {
    let mut steps = Vec::new();
    for (number, rule) in tail.all_rules().into_iter().enumerate() {
        let name = name(Some(&rule.name), number, &mut names);
        let mut comments = Vec::new();
        // With the next one.
        let left_out = |why: &str| {
            let comments = vec![format!("Rule `{name}` is left out: {why}.")];
            Step { name: name.clone(), condition: None, share: Share::Nothing, comments }
        };
        let condition = match ottl::asked(&rule, seen.sites) {
            Asked::Nothing => None,
            Asked::Condition(condition) => Some(condition),
            Asked::Unseen(why) => {
                notes.push(format!("rule `{name}` is left out: {why}"));
                steps.push(left_out(&why));
                continue;
            }
            Asked::Nobody => {
                let why = nobody(&rule, seen);
                notes.push(format!("rule `{name}` is left out: {why}"));
                steps.push(left_out(&why));
                continue;
            }
        };
        remarks(&name, &rule, seen, notes, &mut comments);
        let share = match rule.keep {
            Keep::Always => Share::All,
            Keep::Never => Share::Nothing,
            Keep::Ratio(ratio) => of_ratio(ratio),
            Keep::RateLimit(traces) => {
                let spans = spans_a_second(traces, spans_per_trace);
                notes.push(format!(
                    "rule `{name}` keeps {traces} traces a second in a program; a Collector counts spans: {spans} a second in each \
                     Collector of the tier, for all programs together, at {spans_per_trace} spans a trace"
                ));
                comments.push(format!(
                    "{traces} traces a second in a program are {spans} spans a second here, at {spans_per_trace} spans a trace; a \
                     trace with more spans than that is never kept."
                ));
                Share::Spans(spans)
            }
            _ => {
                notes.push(format!("rule `{name}` says to keep what this command does not know: it keeps all here"));
                comments.push("What it keeps is unknown to this command; here it keeps all.".to_owned());
                Share::All
            }
        };
        let matches_all = condition.is_none();
        steps.push(Step { name, condition, share, comments });
        if matches_all {
            if number + 1 < tail.rules.len() + usize::from(tail.failed) + usize::from(tail.slower_than.is_some()) {
                notes.push("rules behind one without conditions are left out: they are never asked".to_owned());
            }
            return steps;
        }
    }
    let name = name(Some("otherwise"), steps.len(), &mut names);
    steps.push(Step { name, condition: None, share: of_ratio(tail.ratio), comments: Vec::new() });
    steps
}

/// Why a rule matches nothing.
pub(super) fn nobody(rule: &TailRule, seen: Seen<'_>) -> String {
    let least = rule.priority.unwrap_or_default().as_str();
    let package = seen.sites.map_or("", |sites| sites.package.as_str());
    format!("it asks for `priority: {least}`, which no annotation of the package `{package}` has")
}

/// What is different about a rule, wherever it stands.
pub(super) fn remarks(
    name: &str,
    rule: &TailRule,
    seen: Seen<'_>,
    notes: &mut Vec<String>,
    comments: &mut Vec<String>,
) {
    if !rule.schemas.is_empty() && !seen.span_types {
        notes.push(format!(
            "rule `{name}` asks for schemas, which spans say in `otelier.span_type` if programs are told to: set \
             `distribution.otelier.span_types: true` or OTELIER_SPAN_TYPES=true, or it matches nothing"
        ));
        comments.push("It matches nothing until programs export `otelier.span_type`: `span_types: true`.".to_owned());
    }
    if ottl::excludes(rule) {
        notes.push(format!(
            "rule `{name}` excludes patterns: of an attribute that is a list, none of the values may match them here, and in \
             programs one value that does not is enough"
        ));
        comments.push("Of a list, none of the values may match what is excluded.".to_owned());
    }
    if !rule.attribute_ranges.is_empty() {
        notes.push(format!(
            "rule `{name}` asks for numbers within bounds: an attribute that is a list has none here, and in programs one of its \
             values is enough"
        ));
        comments.push("An attribute that is a list is never within bounds.".to_owned());
    }
    let Some((sites, least)) = seen.sites.zip(rule.priority) else { return };
    let Those::Of(_, alike) = sites.with(least) else { return };
    let (least, package) = (least.as_str(), &sites.package);
    notes.push(format!(
        "rule `{name}` asks for `priority: {least}`: here the names and kinds of spans stand for it, which the annotations of the \
         package `{package}` have now; make the file anew when they change"
    ));
    comments.push(format!("`priority: {least}` is the names that the annotations of `{package}` have."));
    if !alike.is_empty() {
        notes.push(format!(
            "rule `{name}` cannot tell these spans of another priority from those that it asks for, because they have the same name \
             and kind: {}",
            alike.join(", ")
        ));
    }
}

pub(super) fn of_ratio(ratio: f64) -> Share {
    match probability_threshold(ratio) {
        0 => Share::All,
        NOTHING.. => Share::Nothing,
        threshold => Share::Threshold(threshold),
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
fn spans_a_second(traces: f64, spans_per_trace: u64) -> u64 {
    // Saturates, and takes no number for 0.
    ((traces * spans_per_trace as f64).ceil() as u64).clamp(1, i64::MAX as u64)
}

/// A name that no policy has: the rule's own, or its place, as decisions say it.
pub(super) fn name(given: Option<&str>, number: usize, taken: &mut HashSet<String>) -> String {
    let given = given.filter(|name| !name.trim().is_empty());
    let base = given.map_or_else(|| format!("rules[{number}]"), str::to_owned);
    let mut name = base.clone();
    let mut again = 2_u32;
    while !taken.insert(name.clone()) {
        name = format!("{base}_{again}");
        again += 1;
    }
    name
}

/// The policy of a step behind others; nothing if it keeps nothing.
fn step_policy(before: &[Step], step: &Step) -> Option<Yaml> {
    let mut parts = Vec::new();
    if let Some(condition) = &step.condition {
        parts.push(("matches", Part::Condition(vec![condition.clone()])));
    }
    // Whatever rule that keeps all matches, the trace is kept: only what is counted must not be counted for it.
    let counts = matches!(step.share, Share::Spans(_));
    let asked = before.iter().filter(|step| counts || !matches!(step.share, Share::All));
    let asked: Vec<String> = asked.filter_map(|step| step.condition.clone()).collect();
    if !asked.is_empty() {
        parts.push(("no rule before it", Part::Not(asked)));
    }
    match step.share {
        Share::Nothing => return None,
        Share::All => {}
        Share::Threshold(threshold) => parts.push(("share", Part::Condition(vec![ottl::reaches(threshold)]))),
        Share::Spans(spans) => parts.push(("rate", Part::Rate(spans))),
    }
    let mut parts = parts.into_iter();
    Some(match (parts.next(), parts.len()) {
        (None, _) => policy(&step.name, "always_sample", None),
        (Some((_, only)), 0) => only.policy(&step.name),
        (Some(first), _) => {
            let all = std::iter::once(first).chain(parts).map(|(name, part)| part.policy(name)).collect();
            policy(&step.name, "and", Some(Yaml::map([("and_sub_policy", Yaml::List(all))])))
        }
    })
}

/// What a policy is made of.
pub(super) enum Part {
    /// A span meets one of these.
    Condition(Vec<String>),
    /// No span meets one of these.
    Not(Vec<String>),
    Rate(u64),
}

impl Part {
    pub(super) fn policy(self, name: &str) -> Yaml {
        match self {
            Self::Condition(conditions) => {
                // Where a condition cannot be evaluated, the span does not meet it.
                let settings = [("error_mode", Yaml::text("ignore")), ("span", Yaml::texts(conditions))];
                policy(name, "ottl_condition", Some(Yaml::map(settings)))
            }
            Self::Not(conditions) => {
                let inner = Self::Condition(conditions).policy("a rule before it");
                policy(name, "not", Some(Yaml::map([("not_sub_policy", inner)])))
            }
            Self::Rate(spans) => {
                let settings = Yaml::map([("spans_per_second", Yaml::Integer(spans))]);
                policy(name, "rate_limiting", Some(settings))
            }
        }
    }
}
