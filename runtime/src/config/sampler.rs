//! Which traces are recorded.

use super::adaptive::Adaptive;
use super::composable::Composable;
use super::custom::CustomSampler;
use super::jaeger_remote::JaegerRemote;
use crate::ConfigError;
use crate::record::{self, Bucket, Node, Parents, SchemaBuckets};
use std::fmt;

/// Which traces are recorded. The decision is taken where a trace enters this process, once; what follows in the process
/// shares it, so that a trace stays whole.
///
/// Where an annotation has `sample = …` and the trace begins there, that decides in place of the sampler. A parent in this
/// process that was made with Otelier has decided for everything below it, whatever the sampler.
///
/// | `OTEL_TRACES_SAMPLER` | YAML key (`tracer_provider.sampler`) | |
/// |-|-|-|
/// | `always_on` | `always_on` | [`AlwaysOn`](Self::AlwaysOn) |
/// | `always_off` | `always_off` | [`AlwaysOff`](Self::AlwaysOff) |
/// | `traceidratio` | `trace_id_ratio_based` | [`TraceIdRatio`](Self::TraceIdRatio) |
/// | `parentbased_…` | `parent_based` | [`ParentBased`](Self::ParentBased) |
/// | | `probability/development` | [`Probability`](Self::Probability) |
/// | | `always_record` | [`AlwaysRecord`](Self::AlwaysRecord) |
/// | | `composite/development` | [`Composite`](Self::Composite) |
/// | `jaeger_remote`, `parentbased_jaeger_remote` | `jaeger_remote/development` | [`JaegerRemote`](Self::JaegerRemote) |
/// | | `otelier/rate_limit` | [`RateLimit`](Self::RateLimit) |
/// | `adaptive` | `otelier/adaptive` | [`Adaptive`](Self::Adaptive) |
/// | | | [`Custom`](Self::Custom) |
///
/// Default: the parent's decision, and every trace that begins here.
///
/// Always on, always off, the ratio by trace id, and [`parent_based`](Self::parent_based) of these cost a comparison at the
/// beginning of a trace. The others are asked out of line, there and nowhere else. Only where a rule looks at attributes, and the
/// parent does not decide, are their values evaluated before the decision: also for traces that are refused then. While they are
/// evaluated the new span is not current yet, so what is traced in them stands beside it.
///
/// Every decision explains itself. A span with which a trace enters this process says in `otelier.sampler.reason` why the trace is
/// kept, in `otelier.sampler.rule` which rule did so, and in `otelier.sampler.probability` which share of such traces is kept,
/// unless nobody can tell; nothing is said where everything is kept or the parent has decided without a threshold.
/// `OTEL_LOG_LEVEL=debug` says why traces are not recorded, at most twenty a second, and
/// [`Guard::sampling_counts`](crate::Guard::sampling_counts) has numbers.
///
/// [`Guard::set_sampler`](crate::Guard::set_sampler) changes the sampler at run time.
///
/// ```
/// use otelier::Telemetry;
/// use otelier::config::{Composable, Rule, Sampler};
///
/// // One trace in ten, but no health checks and every order.
/// let sampler = Sampler::Composite(Composable::ParentThreshold(Box::new(Composable::RuleBased(vec![
///     Rule::new(Composable::AlwaysOff).attribute_is("url.path", ["/health", "/ready"]),
///     Rule::new(Composable::AlwaysOn).attribute_like("url.path", ["/orders/*"]),
///     Rule::new(Composable::Probability(0.1)),
/// ]))));
/// let telemetry = Telemetry::default().with_sampler(sampler);
/// # otelier::init(telemetry)?.shutdown()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Sampler {
    /// Every trace, whatever the parent decided.
    AlwaysOn,
    /// No trace, whatever the parent decided.
    AlwaysOff,
    /// This share of the traces, `0.0..=1.0`, chosen by the random part of the trace id. YAML: `ratio`, default 1.0.
    TraceIdRatio(f64),
    /// One sampler for traces that begin here, and others for those that come with a parent. [`parent_based`](Self::parent_based)
    /// is short for the most common one.
    ParentBased(Box<ParentBased>),
    /// This share of the traces, `0.0..=1.0`, as the specification of consistent probability sampling has it: the trace's
    /// `tracestate` says `ot=th:…` from here on, by which whoever counts spans knows how many each stands for. YAML: `ratio`,
    /// default 1.0.
    ///
    /// The randomness is `rv` of the parent's `tracestate` if there is one, and the trace id's otherwise, which is presumed to be
    /// random; where a trace begins elsewhere and its random flag does not say so, a warning does, once. Every span of a trace
    /// with a `tracestate` is OpenTelemetry's current span, which costs as much as [`Hooks::None`](super::Hooks::None).
    Probability(f64),
    /// As the sampler inside decides. YAML: `root`.
    ///
    /// The specification turns refused spans into such as are recorded for processors and not exported. This runtime has no
    /// span processors that could see them, so they are not recorded, and what is exported is the same. Calls whose annotation
    /// asks for `metrics` are measured with every sampler.
    AlwaysRecord(Box<Sampler>),
    /// A composition of samplers that keeps probabilities consistent, and tells them in `tracestate`; see [`Composable`].
    Composite(Composable),
    /// So many traces a second, and at once no more than a second's worth (at least one): the first that come. More than 0,
    /// at most 1,000,000,000. It does not ask the parent; put it at the root of a [`ParentBased`] for that. This is Otelier's
    /// own. YAML: `traces_per_second`.
    RateLimit(f64),
    /// The same for each schema: traces whose first span here has another schema have a limit of their own, so that what there is
    /// much of does not use up what the rest may have. Spans without a schema share one limit, and so do the schemas beyond
    /// the first 256 that come. This is Otelier's own. YAML: `traces_per_second`, with `per: schema`.
    RateLimitPerSchema(f64),
    /// A ratio by kind of operation, lowered while there is too much to do; see [`Adaptive`]. It follows the parent where there
    /// is one, except as a branch of a [`ParentBased`], where it decides below that kind of parent. `tracestate` tells the
    /// ratio where [`consistent`](Adaptive::consistent) asks for it. This is Otelier's own.
    Adaptive(Adaptive),
    /// As a server says; see [`JaegerRemote`].
    JaegerRemote(JaegerRemote),
    /// As a sampler of the program's own decides; see [`CustomSampler`].
    Custom(CustomSampler),
}

/// One sampler for each kind of parent. A span that has none begins a trace.
///
/// `local_…` is asked only about parents in this process that were made with another tracer, and about those of ours that were
/// not recorded and have been handed to another thread: below a recorded span of ours everything is recorded.
///
/// ```
/// use otelier::config::{ParentBased, Sampler};
///
/// // Whoever calls cannot make us record more than one trace in a hundred.
/// let sampler = Sampler::ParentBased(Box::new(ParentBased {
///     remote_parent_sampled: Sampler::TraceIdRatio(0.01),
///     ..ParentBased::new(Sampler::TraceIdRatio(0.01))
/// }));
/// # otelier::init(otelier::Telemetry::default().with_sampler(sampler)).unwrap().shutdown().unwrap();
/// ```
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::exhaustive_structs)]
pub struct ParentBased {
    /// For traces that begin here. YAML: `root`. Default: always on.
    pub root: Sampler,
    /// Below a parent in another process that is sampled. YAML: `remote_parent_sampled`. Default: always on.
    pub remote_parent_sampled: Sampler,
    /// Below a parent in another process that is not sampled. YAML: `remote_parent_not_sampled`. Default: always off.
    pub remote_parent_not_sampled: Sampler,
    /// Below a parent in this process that is sampled. YAML: `local_parent_sampled`. Default: always on.
    pub local_parent_sampled: Sampler,
    /// Below a parent in this process that is not sampled. YAML: `local_parent_not_sampled`. Default: always off.
    pub local_parent_not_sampled: Sampler,
}

impl ParentBased {
    /// The parent's decision where there is a parent, and this sampler where there is none.
    pub fn new(root: Sampler) -> Self {
        Self {
            root,
            remote_parent_sampled: Sampler::AlwaysOn,
            remote_parent_not_sampled: Sampler::AlwaysOff,
            local_parent_sampled: Sampler::AlwaysOn,
            local_parent_not_sampled: Sampler::AlwaysOff,
        }
    }
}

impl Default for ParentBased {
    /// The parent's decision, and every trace that begins here.
    fn default() -> Self {
        Self::new(Sampler::AlwaysOn)
    }
}

impl Default for Sampler {
    /// Follows the parent, and records every trace that begins here.
    fn default() -> Self {
        Self::ParentBased(Box::default())
    }
}

/// How deep samplers may be nested.
pub const MAX_SAMPLER_DEPTH: usize = 32;

impl Sampler {
    /// The decision of the parent; where there is none, this share of the traces, `0.0..=1.0`, chosen by the trace id.
    /// Environment: `OTEL_TRACES_SAMPLER=parentbased_traceidratio` and `OTEL_TRACES_SAMPLER_ARG`.
    ///
    /// ```
    /// use otelier::config::{ParentBased, Sampler};
    ///
    /// let quarter = Sampler::ParentBased(Box::new(ParentBased::new(Sampler::TraceIdRatio(0.25))));
    /// assert_eq!(Sampler::parent_based(0.25), quarter);
    /// ```
    pub fn parent_based(ratio: f64) -> Self {
        Self::ParentBased(Box::new(ParentBased::new(Self::TraceIdRatio(ratio))))
    }

    /// Adds a sentence for everything that cannot be used.
    pub(crate) fn check(&self, problems: &mut ConfigError) {
        self.check_at(&mut Place::default(), problems);
    }

    pub(super) fn check_at(&self, place: &mut Place, problems: &mut ConfigError) {
        match self {
            Self::AlwaysOn | Self::AlwaysOff | Self::Custom(_) => {}
            Self::TraceIdRatio(ratio) | Self::Probability(ratio) => place.ratio(*ratio, problems),
            Self::RateLimit(rate) | Self::RateLimitPerSchema(rate) => place.rate(*rate, problems),
            Self::Adaptive(adaptive) => adaptive.check_at(place, problems),
            Self::JaegerRemote(remote) => remote.check_at(place, problems),
            Self::AlwaysRecord(root) => place.within("always_record.root", problems, |p, c| root.check_at(p, c)),
            Self::Composite(composable) => place.within("composite", problems, |p, c| composable.check_at(p, c)),
            Self::ParentBased(parents) => {
                for (name, sampler) in [
                    // The root needs no name: it is what one thinks of.
                    ("", &parents.root),
                    ("remote_parent_sampled", &parents.remote_parent_sampled),
                    ("remote_parent_not_sampled", &parents.remote_parent_not_sampled),
                    ("local_parent_sampled", &parents.local_parent_sampled),
                    ("local_parent_not_sampled", &parents.local_parent_not_sampled),
                ] {
                    place.within(name, problems, |p, c| sampler.check_at(p, c));
                }
            }
        }
    }

    /// What decides. To be called on what was checked.
    pub(crate) fn node(&self) -> Node {
        self.node_with(&mut |_| None)
    }

    /// The same; `remote` has what decides in place of a sampler that asks a server, if the server has answered.
    pub(crate) fn node_with(&self, remote: &mut dyn FnMut(&JaegerRemote) -> Option<Node>) -> Node {
        self.numbered(&mut 0, remote)
    }

    /// Shows `f` every part that asks a server.
    pub(crate) fn each_remote<'a>(&'a self, f: &mut dyn FnMut(&'a JaegerRemote)) {
        match self {
            Self::JaegerRemote(remote) => f(remote),
            Self::AlwaysRecord(root) => root.each_remote(f),
            Self::ParentBased(parents) => {
                let ParentBased { root, remote_parent_sampled, remote_parent_not_sampled, .. } = &**parents;
                let ParentBased { local_parent_sampled, local_parent_not_sampled, .. } = &**parents;
                let remote = [remote_parent_sampled, remote_parent_not_sampled];
                let local = [local_parent_sampled, local_parent_not_sampled];
                [root].into_iter().chain(remote).chain(local).for_each(|sampler| sampler.each_remote(f));
            }
            _ => {}
        }
    }

    /// Whether a part asks a server.
    pub(super) fn has_remote(&self) -> bool {
        let mut found = false;
        self.each_remote(&mut |_| found = true);
        found
    }

    fn numbered(&self, rules: &mut usize, remote: &mut dyn FnMut(&JaegerRemote) -> Option<Node>) -> Node {
        match self {
            Self::AlwaysOn => Node::AlwaysOn,
            Self::AlwaysOff => Node::AlwaysOff,
            Self::TraceIdRatio(ratio) => Node::Ratio(record::threshold(*ratio)),
            Self::ParentBased(parents) => Node::Parents(Box::new(Parents {
                root: parents.root.numbered(rules, remote),
                remote_sampled: parents.remote_parent_sampled.numbered(rules, remote),
                remote_not_sampled: parents.remote_parent_not_sampled.numbered(rules, remote),
                local_sampled: parents.local_parent_sampled.numbered(rules, remote),
                local_not_sampled: parents.local_parent_not_sampled.numbered(rules, remote),
            })),
            Self::Probability(ratio) => Node::Probability(record::consistent_threshold(*ratio)),
            Self::AlwaysRecord(root) => root.numbered(rules, remote),
            Self::Composite(composable) => Node::Composite(composable.numbered(rules)),
            Self::RateLimit(per_second) => Node::RateLimit(Bucket::new(*per_second)),
            Self::RateLimitPerSchema(rate) => Node::RateLimitPerSchema(SchemaBuckets::new(*rate)),
            Self::Adaptive(adaptive) => adaptive.node(),
            Self::JaegerRemote(jaeger) => {
                remote(jaeger).unwrap_or_else(|| jaeger.initial_sampler.numbered(rules, remote))
            }
            Self::Custom(custom) => Node::Custom(custom.node()),
        }
    }
}

impl fmt::Display for Sampler {
    /// Its name in the declarative file, with what matters of its settings: `parent_based(root: always_on)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlwaysOn => f.write_str("always_on"),
            Self::AlwaysOff => f.write_str("always_off"),
            Self::TraceIdRatio(ratio) => write!(f, "trace_id_ratio_based(ratio: {ratio})"),
            Self::Probability(ratio) => write!(f, "probability/development(ratio: {ratio})"),
            Self::AlwaysRecord(root) => write!(f, "always_record(root: {root})"),
            Self::RateLimit(rate) => write!(f, "otelier/rate_limit(traces_per_second: {rate})"),
            Self::RateLimitPerSchema(rate) => {
                write!(f, "otelier/rate_limit(traces_per_second: {rate}, per: schema)")
            }
            Self::Adaptive(adaptive) => adaptive.fmt_as_sampler(f),
            Self::JaegerRemote(remote) => remote.fmt_as_sampler(f),
            Self::Custom(custom) => write!(f, "custom({custom})"),
            Self::Composite(composable) => write!(f, "composite/development({})", composable.name()),
            Self::ParentBased(parents) => {
                write!(f, "parent_based(root: {}", parents.root)?;
                let usual = ParentBased::default();
                for (name, branch, usual) in [
                    ("remote_parent_sampled", &parents.remote_parent_sampled, usual.remote_parent_sampled),
                    ("remote_parent_not_sampled", &parents.remote_parent_not_sampled, usual.remote_parent_not_sampled),
                    ("local_parent_sampled", &parents.local_parent_sampled, usual.local_parent_sampled),
                    ("local_parent_not_sampled", &parents.local_parent_not_sampled, usual.local_parent_not_sampled),
                ] {
                    if *branch != usual {
                        write!(f, ", {name}: {branch}")?;
                    }
                }
                f.write_str(")")
            }
        }
    }
}

/// Where in a sampler a check is.
#[derive(Default)]
pub(super) struct Place {
    path: Vec<String>,
}

impl Place {
    /// Checks what is inside, unless that is too deep.
    pub(super) fn within(
        &mut self,
        name: impl Into<String>,
        problems: &mut ConfigError,
        check: impl FnOnce(&mut Self, &mut ConfigError),
    ) {
        if self.path.len() == MAX_SAMPLER_DEPTH {
            let mut too_deep = ConfigError::default();
            too_deep
                .push(format_args!("samplers are nested more than {MAX_SAMPLER_DEPTH} deep; expected at most that"));
            return problems.absorb(too_deep);
        }
        self.path.push(name.into());
        check(self, problems);
        self.path.pop();
    }

    /// Where that is, as words behind what is wrong; nothing at the top.
    fn words(&self) -> String {
        let named: Vec<_> = self.path.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
        if named.is_empty() { String::new() } else { format!(" at `{}`", named.join(".")) }
    }

    pub(super) fn ratio(&self, ratio: f64, problems: &mut ConfigError) {
        if !(0.0..=1.0).contains(&ratio) {
            problems.push(format_args!("the sampling ratio{} is {ratio}; expected 0.0 to 1.0", self.words()));
        }
    }

    pub(super) fn rate(&self, per_second: f64, problems: &mut ConfigError) {
        if !(per_second > 0.0 && per_second <= 1e9) {
            problems.push(format_args!(
                "the sampling rate limit{} is {per_second} traces a second; expected more than 0, at most 1000000000",
                self.words()
            ));
        }
    }

    pub(super) fn refuse(&self, what: &str, expected: &str, problems: &mut ConfigError) {
        problems.push(format_args!("{what}{}; expected {expected}", self.words()));
    }
}

#[cfg(test)]
mod tests {
    use super::super::composable::Rule;
    use super::*;

    fn problems(sampler: &Sampler) -> Vec<String> {
        let mut problems = ConfigError::default();
        sampler.check(&mut problems);
        problems.problems().iter().map(|problem| problem.sentence().to_owned()).collect()
    }

    #[test]
    fn every_part_that_cannot_be_used_is_named_with_its_place() {
        let rules = vec![
            Rule::new(Composable::Probability(f64::NAN)),
            Rule::new(Composable::AlwaysOn).attribute_is("", [""; 0]),
            Rule::new(Composable::RuleBased(Vec::new())),
            Rule::new(Composable::RateLimit(0.0)).attribute_like("", ["a"]),
        ];
        let sampler = Sampler::ParentBased(Box::new(ParentBased {
            root: Sampler::TraceIdRatio(2.0),
            remote_parent_sampled: Sampler::RateLimit(-1.0),
            local_parent_sampled: Sampler::Composite(Composable::RuleBased(rules)),
            remote_parent_not_sampled: Sampler::AlwaysRecord(Box::new(Sampler::Probability(-0.5))),
            ..ParentBased::default()
        }));
        let rules = "local_parent_sampled.composite.rules";
        assert_eq!(
            problems(&sampler),
            [
                "the sampling ratio is 2; expected 0.0 to 1.0".to_owned(),
                "the sampling rate limit at `remote_parent_sampled` is -1 traces a second; expected more than 0, at most \
                 1000000000"
                    .to_owned(),
                "the sampling ratio at `remote_parent_not_sampled.always_record.root` is -0.5; expected 0.0 to 1.0".to_owned(),
                format!("the sampling ratio at `{rules}[0]` is NaN; expected 0.0 to 1.0"),
                format!("`attribute_values.key` is empty at `{rules}[1]`; expected the key of an attribute"),
                format!("`attribute_values.values` is empty at `{rules}[1]`; expected at least one value"),
                format!(
                    "a rule based sampler has no rules at `{rules}[2]`; expected at least one, or `AlwaysOff` to keep nothing"
                ),
                format!("`attribute_patterns.key` is empty at `{rules}[3]`; expected the key of an attribute"),
                format!(
                    "the sampling rate limit at `{rules}[3]` is 0 traces a second; expected more than 0, at most 1000000000"
                ),
            ]
        );
    }

    #[test]
    fn names_bounds_and_limits_that_mean_nothing_are_named_with_their_place() {
        let unbounded = super::super::AttributeRange { key: "app.n".to_owned(), min: None, max: None };
        let mut without_bounds = Rule::new(Composable::AlwaysOn);
        without_bounds.attribute_ranges.push(unbounded);
        let rules = vec![
            Rule::new(Composable::AlwaysOn).named(""),
            Rule::new(Composable::AlwaysOn).attribute_between("app.n", 2.0, 1.0).attribute_at_least("", f64::NAN),
            without_bounds,
            Rule::new(Composable::RateLimitPerSchema(f64::INFINITY)),
            Rule::new(Composable::AlwaysOn).attribute_between("app.n", 1.0, 1.0).schema("").span_name(""),
        ];
        let expected = "expected more than 0, at most 1000000000";
        assert_eq!(
            problems(&Sampler::Composite(Composable::RuleBased(rules))),
            [
                "`name` is empty at `composite.rules[0]`; expected the name of a rule".to_owned(),
                "`attribute_ranges` of `app.n` is from 2 to 1 at `composite.rules[1]`; expected a `min` that is not above \
                 `max`"
                    .to_owned(),
                "`attribute_ranges.key` is empty at `composite.rules[1]`; expected the key of an attribute".to_owned(),
                "`attribute_ranges` of `` is bounded by NaN at `composite.rules[1]`; expected numbers as bounds".to_owned(),
                "`attribute_ranges` of `app.n` has no bounds at `composite.rules[2]`; expected `min`, `max` or both"
                    .to_owned(),
                format!("the sampling rate limit at `composite.rules[3]` is inf traces a second; {expected}"),
            ]
        );
        let limit = Sampler::RateLimitPerSchema(f64::NAN);
        assert_eq!(problems(&limit), [format!("the sampling rate limit is NaN traces a second; {expected}")]);
    }

    #[test]
    fn ratios_and_thresholds_of_an_adaptive_sampler_are_checked_one_by_one() {
        let adaptive = Adaptive {
            ratio: 1.5,
            workflow_ratio: f64::NAN,
            exchange_budget_floor: -0.5,
            cpu_threshold: 0.0,
            memory_threshold: 100.5,
            error_threshold: 0.0,
            traces_per_second: Some(0.0),
            error_boost: 0.9,
            ..Adaptive::default()
        };
        let sampler = Sampler::ParentBased(Box::new(ParentBased {
            remote_parent_sampled: Sampler::Adaptive(adaptive),
            ..ParentBased::new(Sampler::Adaptive(Adaptive::default()))
        }));
        assert_eq!(
            problems(&sampler),
            [
                "`ratio` is 1.5 at `remote_parent_sampled`; expected 0.0 to 1.0",
                "`workflow_ratio` is NaN at `remote_parent_sampled`; expected 0.0 to 1.0",
                "`exchange_budget_floor` is -0.5 at `remote_parent_sampled`; expected 0.0 to 1.0",
                "`cpu_threshold` is 0 at `remote_parent_sampled`; expected more than 0, at most 100 percent",
                "`memory_threshold` is 100.5 at `remote_parent_sampled`; expected more than 0, at most 100 percent",
                "`error_threshold` is 0 at `remote_parent_sampled`; expected more than 0, at most 100 percent",
                "`traces_per_second` is 0 at `remote_parent_sampled`; expected more than 0, at most 1000000000",
                "`error_boost` is 0.9 at `remote_parent_sampled`; expected 1 to 1000",
            ]
        );
        let percent = Adaptive { cpu_threshold: 100.0, memory_threshold: 100.0, ..Adaptive::default() };
        assert_eq!(problems(&Sampler::Adaptive(percent)), [""; 0]);
    }

    #[test]
    fn samplers_that_are_nested_too_deep_are_refused_once() {
        let nested = |depth| (0..depth).fold(Sampler::AlwaysOn, |inner, _| Sampler::AlwaysRecord(Box::new(inner)));
        assert_eq!(problems(&nested(MAX_SAMPLER_DEPTH)), [""; 0]);
        let sentence = "samplers are nested more than 32 deep; expected at most that";
        assert_eq!(problems(&nested(MAX_SAMPLER_DEPTH + 1)), [sentence]);
        let parents = (0..6).fold(nested(40), |inner, _| {
            Sampler::ParentBased(Box::new(ParentBased {
                local_parent_sampled: inner.clone(),
                ..ParentBased::new(inner)
            }))
        });
        assert_eq!(problems(&parents), [sentence]);
    }
}
