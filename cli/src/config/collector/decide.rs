//! Which processors sample traces, and in which of the Collectors.

use super::plan::Plan;
use super::sampling::{self, Head, Rules};
use super::sites::Seen;
use super::tail;
use super::yaml::Yaml;
use super::{Options, Role, Sizes};
use otelier::Telemetry;
use otelier::config::TailSampling;

/// What decides on whole traces.
struct Decision {
    policies: Vec<Yaml>,
    /// How long it waits for the rest of a trace.
    wait: std::time::Duration,
    /// Whether rules of tail sampling are among the policies.
    has_tail: bool,
}

/// How many spans of a trace take a mebibyte, to say how much memory to expect.
const SPANS_PER_MIB: u64 = 512;

impl Plan {
    /// The processors of traces, in their order.
    ///
    /// # Errors
    ///
    /// The tier that samples has nothing to decide.
    pub(super) fn sampling(&mut self, telemetry: &Telemetry, options: &Options) -> Result<Vec<String>, String> {
        let head = sampling::head(&telemetry.sampler, seen(telemetry, options));
        match &options.role {
            Role::Alone => Ok(self.alone(telemetry, options, head)),
            Role::Front(_) => Ok(self.front(telemetry, options, head)),
            Role::Sampling(sizes) => self.behind(telemetry, options, sizes, head),
        }
    }

    /// Both kinds in one Collector.
    fn alone(&mut self, telemetry: &Telemetry, options: &Options, head: Result<Head, String>) -> Vec<String> {
        let mut names = Vec::new();
        if !options.samples {
            let is_sampled = head != Ok(Head::Everything) || telemetry.tail_sampling.is_some();
            self.notes.extend(is_sampled.then(|| "sampling stays in the programs, as `--sampling` says".to_owned()));
            return names;
        }
        let head = match head {
            Ok(head) => head,
            Err(why) => {
                self.notes.push(format!("the sampler stays in the programs, and so does tail sampling: {why}"));
                return names;
            }
        };
        let mut rules = None;
        match head {
            Head::Everything => {}
            Head::Ratio(share) => names.push(self.probabilistic(share)),
            Head::Rules(made) => rules = Some(made),
        }
        let seen = seen(telemetry, options);
        let made = self.decision(rules, telemetry, seen, Sizes::default().spans_per_trace);
        if telemetry.tail_sampling.is_some() && !made.as_ref().is_some_and(|made| made.has_tail) {
            self.notes.push("tail sampling keeps every trace, so it is left out".to_owned());
        }
        let at_the_end = made.is_some();
        if let Some(Decision { policies, wait, has_tail }) = made {
            self.processor(&mut names, "tail_sampling", sampling::tail(policies, wait));
            if has_tail {
                self.notes.push(
                    "`tail_sampling` looks at whole traces with the spans of all programs, and a program at its own \
                     part of them"
                        .to_owned(),
                );
            }
        }
        if at_the_end {
            self.contrib.insert("tail_sampling");
            self.notes.push(
                "`tail_sampling` needs all spans of a trace in one Collector: it is for one that all programs send to. What \
                 waits for the end of its trace is in memory, and lost if the Collector is killed; `--sampling program` \
                 avoids both, and `otelier generate collector` writes two tiers for more Collectors than one"
                    .to_owned(),
            );
        }
        (self.moves_head, self.moves_tail) = (!names.is_empty(), !names.is_empty());
        names
    }

    /// What is decided by the trace id alone, before traces are led to one Collector each.
    fn front(&mut self, telemetry: &Telemetry, options: &Options, head: Result<Head, String>) -> Vec<String> {
        self.moves_tail = telemetry.tail_sampling.is_some();
        match head {
            Ok(Head::Everything) => Vec::new(),
            _ if !options.samples => {
                self.notes.push("the sampler stays in the programs, as `--head` says".to_owned());
                Vec::new()
            }
            Ok(Head::Ratio(share)) => {
                self.moves_head = true;
                vec![self.probabilistic(share)]
            }
            Ok(Head::Rules(_)) => {
                self.moves_head = true;
                self.notes
                    .push("the rules of the sampler are in the second tier, which has all spans of a trace".to_owned());
                Vec::new()
            }
            Err(why) => {
                self.notes.push(format!("the sampler stays in the programs: {why}"));
                Vec::new()
            }
        }
    }

    /// What is decided on whole traces.
    fn behind(
        &mut self,
        telemetry: &Telemetry,
        options: &Options,
        sizes: &Sizes,
        head: Result<Head, String>,
    ) -> Result<Vec<String>, String> {
        let mut names = Vec::new();
        let rules = match head {
            Ok(Head::Rules(rules)) if options.samples => Some(rules),
            _ => None,
        };
        let made = self.decision(rules, telemetry, seen(telemetry, options), sizes.spans_per_trace);
        if let Some(made) = made {
            let usual = TailSampling::new(1.0);
            let tail = telemetry.tail_sampling.as_ref().filter(|_| made.has_tail).unwrap_or(&usual);
            let processor = sized(tail, made, sizes, options.memory, &mut self.notes);
            self.processor(&mut names, "tail_sampling", processor);
            self.notes.push(
                "it looks at whole traces with the spans of all programs, and a program at its own part of them: a rule that \
                 matches anywhere decides for all"
                    .to_owned(),
            );
            self.notes.push(
                "spans that are kept do not say why: `otelier.sampler.reason`, `.rule` and `.probability` are the programs' own; the \
                 Collector counts decisions by policy in its metrics"
                    .to_owned(),
            );
        }
        if names.is_empty() {
            return Err(match telemetry.tail_sampling {
                Some(_) => "tail sampling keeps every trace, so there is nothing to decide for a second tier",
                None => {
                    "there is nothing to decide for a second tier; expected `distribution.otelier.tail_sampling`, or a sampler \
                     with rules\n  help: `otelier config collector` writes one Collector without tiers"
                }
            }
            .to_owned());
        }
        self.contrib.insert("tail_sampling");
        self.notes
            .push("what waits for the end of its trace is in memory, and lost if the Collector is killed".to_owned());
        Ok(names)
    }

    fn probabilistic(&mut self, share: f64) -> String {
        let mut names = Vec::new();
        self.processor(&mut names, "probabilistic_sampler", sampling::probabilistic(share));
        self.notes.push(
            "`probabilistic_sampler` decides by the trace id for every span: the decision of a caller that \
             sampled at another ratio does not count"
                .to_owned(),
        );
        names.remove(0)
    }

    /// What one processor decides, so that a trace waits once: what the rules of the sampler refuse is dropped, whatever those of
    /// tail sampling say.
    fn decision(
        &mut self,
        head: Option<Rules>,
        telemetry: &Telemetry,
        seen: Seen<'_>,
        spans_per_trace: u64,
    ) -> Option<Decision> {
        let taken = head.as_ref().map(|rules| rules.names.clone()).unwrap_or_default();
        let tail = telemetry.tail_sampling.as_ref();
        let tail = tail.and_then(|tail| tail::of(tail, seen, spans_per_trace, taken.clone()));
        let has_tail = tail.is_some();
        let mut policies = Vec::new();
        if let Some(Rules { drops, names, notes }) = head {
            let why = "The rules of the sampler: what they refuse is dropped, whatever the policies behind them say.";
            policies.extend(first_noted(why, drops));
            self.notes.extend(notes);
            self.notes.push(
                "the rules of the sampler are asked of the first span of a trace, with the attributes that it has at its end: below \
                 `parent_based` and `parent_threshold` of the span without a parent, else also of spans of the kinds server and \
                 consumer. Where that span does not come here, they refuse nothing"
                    .to_owned(),
            );
            if has_tail {
                self.notes.push(
                    "the rules of the sampler and those of tail sampling are policies of one processor, so that a trace waits once: \
                     a policy that drops wins over all that sample"
                        .to_owned(),
                );
            } else {
                let name = tail::name(Some("everything else"), 0, &mut names.clone());
                policies.push(sampling::policy(&name, "always_sample", None));
            }
        }
        let mut wait = sampling::wait_of_rules();
        if let Some(made) = tail {
            let why = "The rules of tail sampling: one of these that samples is enough.";
            policies.extend(if policies.is_empty() { made.policies } else { first_noted(why, made.policies) });
            self.notes.extend(made.notes);
            wait = made.wait;
        }
        if policies.is_empty() {
            return None;
        }
        self.first_release = tail::FIRST_RELEASE;
        Some(Decision { policies, wait, has_tail })
    }

    fn processor(&mut self, names: &mut Vec<String>, name: &str, processor: Yaml) {
        names.push(name.to_owned());
        self.processors.push((name.to_owned(), processor));
    }
}

/// What is known of the spans that come here.
fn seen<'a>(telemetry: &Telemetry, options: &'a Options) -> Seen<'a> {
    Seen { span_types: telemetry.span_types, sites: options.call_sites.as_ref() }
}

/// Policies with a comment before the first.
fn first_noted(why: &str, mut policies: Vec<Yaml>) -> Vec<Yaml> {
    if let Some(first) = policies.first_mut() {
        *first = Yaml::noted([why.to_owned()], first.clone());
    }
    policies
}

/// The processor with the sizes of a tier.
fn sized(tail: &TailSampling, made: Decision, sizes: &Sizes, memory: u64, notes: &mut Vec<String>) -> Yaml {
    let seconds = |duration: std::time::Duration| duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    let each = sizes.traces_per_second;
    let held = each.saturating_mul(seconds(made.wait));
    let limit = |count: u64| Yaml::Integer(count.clamp(1, i64::MAX as u64));
    // Twice of what is expected: more traces than that push out the oldest before they are decided.
    let traces = limit(held.saturating_mul(2));
    let remembered = each.saturating_mul(seconds(tail.remember)).saturating_mul(2);
    let mib = held.saturating_mul(sizes.spans_per_trace) / SPANS_PER_MIB;
    if mib > memory / 2 {
        notes.push(format!(
            "at {each} traces a second with {} spans of 2 KiB, about {mib} MiB wait to be decided in each Collector of this tier, and \
             `--memory` is {memory}: beyond that it refuses what comes",
            sizes.spans_per_trace
        ));
    }
    let said = |text: String, yaml: Yaml| Yaml::noted([text], yaml);
    let mut entries = vec![
        ("decision_wait", Yaml::text(super::duration(made.wait))),
        (
            "num_traces",
            said(format!("Twice {each} new traces a second, held for {}.", super::duration(made.wait)), traces),
        ),
        ("expected_new_traces_per_sec", Yaml::Integer(each.max(1))),
        (
            "maximum_trace_size_bytes",
            said(
                "`max_bytes`: a program decides the oldest early where traces do not fit; a Collector drops one that is larger."
                    .to_owned(),
                limit(tail.max_bytes as u64),
            ),
        ),
    ];
    if remembered > 0 {
        let cache = [("sampled_cache_size", limit(remembered)), ("non_sampled_cache_size", limit(remembered))];
        let why = format!("Late spans follow the decision for about {}.", super::duration(tail.remember));
        entries.push(("decision_cache", said(why, Yaml::map(cache))));
    }
    entries.push(("policies", Yaml::List(made.policies)));
    Yaml::map(entries)
}
