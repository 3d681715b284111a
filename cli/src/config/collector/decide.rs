//! Which processors sample traces, and in which of the Collectors.

use super::plan::Plan;
use super::sampling::{self, Head};
use super::tail::{self, Tail};
use super::yaml::Yaml;
use super::{Options, Role, Sizes};
use otelier::Telemetry;
use otelier::config::TailSampling;

/// How many spans of a trace take a mebibyte, to say how much memory to expect.
const SPANS_PER_MIB: u64 = 512;

impl Plan {
    /// The processors of traces, in their order.
    ///
    /// # Errors
    ///
    /// The tier that samples has nothing to decide.
    pub(super) fn sampling(&mut self, telemetry: &Telemetry, options: &Options) -> Result<Vec<String>, String> {
        let head = sampling::head(&telemetry.sampler);
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
        let mut at_the_end = false;
        match head {
            Head::Everything => {}
            Head::Ratio(share) => names.push(self.probabilistic(share)),
            Head::Policies(policies) => {
                names.push(self.rules(policies));
                at_the_end = true;
            }
        }
        if let Some(tail) = &telemetry.tail_sampling {
            match tail::of(tail, telemetry.span_types, Sizes::default().spans_per_trace) {
                Some(Tail { policies, wait, notes }) => {
                    self.notes.extend(notes);
                    self.processor(&mut names, "tail_sampling", sampling::tail(policies, wait));
                    self.first_release = tail::FIRST_RELEASE;
                    at_the_end = true;
                    self.notes.push(
                        "`tail_sampling` looks at whole traces with the spans of all programs, and a program at its own \
                         part of them"
                            .to_owned(),
                    );
                }
                None => self.notes.push("tail sampling keeps every trace, so it is left out".to_owned()),
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
            Ok(Head::Policies(_)) => {
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
        if let (Ok(Head::Policies(policies)), true) = (head, options.samples) {
            names.push(self.rules(policies));
        }
        let tail = telemetry.tail_sampling.as_ref();
        let made = tail.and_then(|tail| Some((tail, tail::of(tail, telemetry.span_types, sizes.spans_per_trace)?)));
        if let Some((tail, made)) = made {
            self.notes.extend(made.notes.iter().cloned());
            let processor = sized(tail, made, sizes, options.memory, &mut self.notes);
            self.processor(&mut names, "tail_sampling", processor);
            self.first_release = tail::FIRST_RELEASE;
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
            return Err(match tail {
                Some(_) => "tail sampling keeps every trace, so there is nothing to decide for a second tier",
                None => {
                    "there is nothing to decide for a second tier; expected `distribution.otelier.tail_sampling`, or a sampler \
                     with rules on attributes\n  help: `otelier config collector` writes one Collector without tiers"
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

    fn rules(&mut self, policies: Vec<Yaml>) -> String {
        let mut names = Vec::new();
        self.processor(&mut names, "tail_sampling/rules", sampling::tail(policies, sampling::wait_of_rules()));
        self.notes.push(
            "`tail_sampling/rules` looks for the attributes of rules in all spans and resources of a trace, and \
             not in its first span alone, and finds text, not numbers"
                .to_owned(),
        );
        names.remove(0)
    }

    fn processor(&mut self, names: &mut Vec<String>, name: &str, processor: Yaml) {
        names.push(name.to_owned());
        self.processors.push((name.to_owned(), processor));
    }
}

/// The processor with the sizes of a tier.
fn sized(tail: &TailSampling, made: Tail, sizes: &Sizes, memory: u64, notes: &mut Vec<String>) -> Yaml {
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
