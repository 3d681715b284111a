//! One variable at a time: what is read, warned of and refused.

use super::{Environment, Node, Origin, Value, Variables, choice, mapping, put, put_some};
use crate::config::resource::{attributes_of_list, words};
use crate::config::shown::{short, without_password};
use crate::config::{Detector, JaegerRemote, OldNames};
use crate::error::{ConfigError, Problem};
use otelier_spec::suggest;

/// Reads variables, and keeps what is to be said about them.
pub(super) struct Reader<'a> {
    variables: &'a Variables,
    warnings: Vec<Problem>,
    errors: ConfigError,
}

impl<'a> Reader<'a> {
    pub(super) fn new(variables: &'a Variables) -> Self {
        Self { variables, warnings: Vec::new(), errors: ConfigError::default() }
    }

    pub(super) fn finish(mut self, tree: Node) -> Environment {
        if self.own_switch("OTELIER_STRICT").is_some_and(|node| node.value == Value::Bool(true)) {
            // Without the notes, which say what would become of the value otherwise.
            self.warnings.drain(..).for_each(|warning| self.errors.push(warning.sentence()));
        }
        Environment { tree, warnings: self.warnings, errors: self.errors }
    }

    /// Reads without saying anything of it, if `quiet`.
    pub(super) fn quietly(&mut self, quiet: bool, read: impl FnOnce(&mut Self)) {
        let said = (self.warnings.clone(), self.errors.clone());
        read(self);
        if quiet {
            (self.warnings, self.errors) = said;
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<String> {
        self.variables.get(name)
    }

    /// The specification: a value that cannot be used is passed over with a warning.
    pub(super) fn warn(&mut self, name: &str, value: &str, expected: &str) {
        let problem = Problem::new(format_args!("`{name}` is `{}`; expected {expected}", said(value)));
        self.say(problem.note("it counts as not set, as OpenTelemetry's specification has it"));
    }

    /// A warning, once.
    pub(super) fn say(&mut self, problem: Problem) {
        if !self.warnings.contains(&problem) {
            self.warnings.push(problem);
        }
    }

    /// What would lose telemetry if it were passed over.
    pub(super) fn error(&mut self, problem: impl Into<Problem>) {
        self.errors.absorb(ConfigError::from(problem.into()));
    }

    /// A variable that is known and not supported.
    pub(super) fn refuse(&mut self, name: &str, reason: &str) {
        if let Some(value) = self.get(name) {
            self.error(format_args!("`{name}` is `{}`; {reason}", said(&value)));
        }
    }

    /// The first of these that is set.
    pub(super) fn text(&self, names: &[&str]) -> Option<Node> {
        names.iter().find_map(|name| Some(node(name, Value::Text(self.get(name)?))))
    }

    /// `true` in any case is true; the specification reads everything else as false.
    pub(super) fn switch(&mut self, name: &str) -> Option<Node> {
        let value = self.get(name)?;
        let on = value.eq_ignore_ascii_case("true");
        if !on && !value.eq_ignore_ascii_case("false") {
            let problem = Problem::new(format_args!("`{name}` is `{}`; expected `true` or `false`", said(&value)));
            self.say(problem.note("it counts as `false`, as OpenTelemetry's specification has it"));
        }
        Some(node(name, Value::Bool(on)))
    }

    /// The first of these that is set to a whole number of at least `least`.
    pub(super) fn integer(&mut self, names: &[&str], least: i64) -> Option<Node> {
        let expected =
            if least == 0 { "a whole number".to_owned() } else { format!("a whole number of at least {least}") };
        names.iter().find_map(|name| {
            let value = self.get(name)?;
            match value.parse() {
                Ok(number) if number >= least => Some(node(name, Value::Integer(number))),
                _ => {
                    self.warn(name, &value, &expected);
                    None
                }
            }
        })
    }

    /// A number within a range, which both ends belong to.
    pub(super) fn number(&mut self, name: &str, least: f64, greatest: f64, expected: &str) -> Option<Node> {
        let value = self.get(name)?;
        match value.parse::<f64>() {
            Ok(number) if (least..=greatest).contains(&number) => Some(node(name, Value::Number(number))),
            _ => {
                self.warn(name, &value, expected);
                None
            }
        }
    }

    /// One of these words, in any case.
    pub(super) fn word(&mut self, name: &str, words: &[&str]) -> Option<Node> {
        let value = self.get(name)?;
        match words.iter().find(|word| word.eq_ignore_ascii_case(&value)) {
            Some(word) => Some(node(name, Value::Text((*word).to_owned()))),
            None => {
                self.warn(name, &value, &suggest::list(words.iter().copied()));
                None
            }
        }
    }

    /// A list of words without repetition; what is not known is given to `other`, which says it.
    pub(super) fn words(&mut self, name: &str, mut known: impl FnMut(&mut Self, &str) -> bool) -> Option<Vec<String>> {
        let list = self.get(name)?;
        let mut words: Vec<String> = Vec::new();
        for word in list.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let word = word.to_ascii_lowercase();
            if known(self, &word) && !words.contains(&word) {
                words.push(word);
            }
        }
        Some(words)
    }

    pub(super) fn propagators(&mut self) -> Option<Node> {
        const NAME: &str = "OTEL_PROPAGATORS";
        const KNOWN: [&str; 6] = ["tracecontext", "baggage", "b3", "b3multi", "jaeger", "none"];
        let value = self.get(NAME)?;
        let words = self.words(NAME, |reader, word| {
            match word {
                "xray" | "ottrace" => reader.error(format_args!(
                    "`{NAME}` is `{}`; there is no propagator `{word}` here, expected a list of {}",
                    said(&value),
                    suggest::list(KNOWN)
                )),
                _ if KNOWN.contains(&word) => return true,
                _ => reader.warn(NAME, word, &format!("a list of {}", suggest::list(KNOWN))),
            }
            false
        })?;
        // `none` alone means none; a list of which nothing is known is not set.
        (!words.is_empty()).then(|| node(NAME, Value::Text(words.join(","))))
    }

    /// The specification: with one mistake in it, all of it is passed over.
    pub(super) fn resource_attributes(&mut self) -> Option<Node> {
        const NAME: &str = "OTEL_RESOURCE_ATTRIBUTES";
        let list = self.get(NAME)?;
        let mut problems = ConfigError::default();
        attributes_of_list(NAME, &list, &mut problems);
        if problems.problems().is_empty() {
            return Some(node(NAME, Value::Text(list)));
        }
        for problem in problems.problems() {
            self.say(problem.clone().note("none of its attributes counts, as OpenTelemetry's specification has it"));
        }
        None
    }

    /// Which attributes of the resource are detected.
    pub(super) fn detection(&mut self) -> Node {
        const DETECTORS: &str = "OTELIER_RESOURCE_DETECTORS";
        let mut detectors = Detector::ALL.to_vec();
        let mut origin = Origin::Default;
        if let Some(list) = self.get(DETECTORS) {
            let mut problems = ConfigError::default();
            detectors = Detector::of_list(DETECTORS, &list, &mut problems);
            origin = Origin::Variable(DETECTORS.to_owned());
            problems.problems().iter().for_each(|problem| self.error(problem.clone()));
        }
        let mut detection = mapping();
        let named = |detector: Detector| {
            let name = if detector == Detector::Kubernetes { "otelier/kubernetes" } else { detector.as_str() };
            choice(name, Node::new(Value::Null, origin.clone()))
        };
        let list = Value::List(detectors.into_iter().map(named).collect());
        put(&mut detection, "detectors", Node::new(list, origin.clone()));
        for (key, name) in
            [("attributes.included", "OTELIER_RESOURCE_INCLUDED"), ("attributes.excluded", "OTELIER_RESOURCE_EXCLUDED")]
        {
            if let Some(list) = self.get(name) {
                let patterns = words(&list).map(|pattern| node(name, Value::Text(pattern.to_owned()))).collect();
                put(&mut detection, key, node(name, Value::List(patterns)));
            }
        }
        detection
    }

    pub(super) fn sampler(&mut self) -> Option<Node> {
        const NAME: &str = "OTEL_TRACES_SAMPLER";
        const KNOWN: [&str; 9] = [
            "adaptive",
            "always_off",
            "always_on",
            "jaeger_remote",
            "parentbased_always_off",
            "parentbased_always_on",
            "parentbased_jaeger_remote",
            "parentbased_traceidratio",
            "traceidratio",
        ];
        let value = self.get(NAME)?;
        let lower = value.to_ascii_lowercase();
        let empty = || Node::new(Value::Null, Origin::Variable(NAME.to_owned()));
        let below = |root| {
            let mut parent_based = mapping();
            put(&mut parent_based, "root", root);
            choice("parent_based", parent_based)
        };
        Some(match lower.as_str() {
            "always_on" | "always_off" => choice(&lower, empty()),
            "traceidratio" => self.ratio(),
            "parentbased_always_on" => below(choice("always_on", empty())),
            "parentbased_always_off" => below(choice("always_off", empty())),
            "parentbased_traceidratio" => below(self.ratio()),
            "adaptive" => self.adaptive(),
            "jaeger_remote" => self.jaeger_remote(),
            "parentbased_jaeger_remote" => below(self.jaeger_remote()),
            "xray" => {
                let known = suggest::list(KNOWN);
                self.error(format_args!("`{NAME}` is `{value}`; no sampler here asks AWS X-Ray, expected {known}"));
                return None;
            }
            _ => {
                self.warn(NAME, &value, &suggest::list(KNOWN));
                return None;
            }
        })
    }

    const ARGUMENT: &'static str = "OTEL_TRACES_SAMPLER_ARG";

    fn ratio(&mut self) -> Node {
        let expected = "a number from 0.0 to 1.0; 0.25 keeps one trace in four";
        let mut sampler = mapping();
        let ratio = self.number(Self::ARGUMENT, 0.0, 1.0, expected);
        let ratio = ratio.unwrap_or_else(|| Node::new(Value::Number(1.0), Origin::Default));
        put(&mut sampler, "ratio", ratio);
        choice("trace_id_ratio_based", sampler)
    }

    /// A server's strategies: `endpoint=http://localhost:5778,pollingIntervalMs=5000,initialSamplingRate=0.25`.
    fn jaeger_remote(&mut self) -> Node {
        let name = Self::ARGUMENT;
        let default = |value| Node::new(value, Origin::Default);
        let mut endpoint = default(Value::Text(JaegerRemote::DEFAULT_ENDPOINT.to_owned()));
        let mut ratio = default(Value::Number(JaegerRemote::DEFAULT_RATIO));
        let mut interval = None;
        let list = self.get(name).unwrap_or_default();
        for part in list.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            let value = value.trim();
            let expected = match key.trim() {
                "endpoint" => match JaegerRemote::expected_endpoint(value) {
                    None => {
                        endpoint = node(name, Value::Text(value.to_owned()));
                        continue;
                    }
                    // Passed over, it would leave the program to the initial ratio for good.
                    Some(JaegerRemote::NOT_GRPC) => {
                        let expected = JaegerRemote::NOT_GRPC;
                        self.error(format_args!("`{name}` has `{}`; expected {expected}", said(part)));
                        continue;
                    }
                    Some(expected) => expected,
                },
                "pollingIntervalMs" => match value.parse() {
                    Ok(number) if number >= 10 => {
                        interval = Some(node(name, Value::Integer(number)));
                        continue;
                    }
                    _ => "a whole number of at least 10",
                },
                "initialSamplingRate" => match value.parse() {
                    Ok(number) if (0.0..=1.0).contains(&number) => {
                        ratio = node(name, Value::Number(number));
                        continue;
                    }
                    _ => "a number from 0.0 to 1.0",
                },
                _ => "`endpoint`, `pollingIntervalMs` or `initialSamplingRate`, with `=` and a value",
            };
            let problem = Problem::new(format_args!("`{name}` has `{}`; expected {expected}", said(part)));
            self.say(problem.note("it counts as not set, as OpenTelemetry's specification has it"));
        }
        let mut initial = mapping();
        put(&mut initial, "ratio", ratio);
        let mut sampler = mapping();
        put(&mut sampler, "endpoint", endpoint);
        put_some(&mut sampler, "interval", interval);
        put(&mut sampler, "initial_sampler", choice("trace_id_ratio_based", initial));
        choice("jaeger_remote/development", sampler)
    }

    /// Rates by kind of operation, lowered under load.
    fn adaptive(&mut self) -> Node {
        let share = "a number from 0.0 to 1.0";
        let percent = "a number above 0, at most 100";
        let mut sampler = mapping();
        for (key, name, (least, greatest), expected) in [
            ("ratio", Self::ARGUMENT, (0.0, 1.0), share),
            ("cpu_threshold", "OTEL_CPU_THRESHOLD", (f64::MIN_POSITIVE, 100.0), percent),
            ("memory_threshold", "OTEL_MEMORY_THRESHOLD", (f64::MIN_POSITIVE, 100.0), percent),
            ("high_volume_ratio", "OTEL_HIGH_VOLUME_SAMPLE_RATE", (0.0, 1.0), share),
        ] {
            if let Some(node) = self.number(name, least, greatest, expected) {
                put(&mut sampler, key, node);
            }
        }
        choice("otelier/adaptive", sampler)
    }

    /// A switch of ours: what is neither of its values is an error.
    pub(super) fn own_switch(&mut self, name: &str) -> Option<Node> {
        let value = self.get(name)?;
        let on = value.eq_ignore_ascii_case("true");
        if !on && !value.eq_ignore_ascii_case("false") {
            self.error(format_args!("`{name}` is `{}`; expected `true` or `false`", said(&value)));
            return None;
        }
        Some(node(name, Value::Bool(on)))
    }

    /// A length of time of ours, in the range that a file has, too.
    pub(super) fn milliseconds(&mut self, name: &str, range: std::ops::RangeInclusive<i64>) -> Option<Node> {
        let value = self.get(name)?;
        match value.parse() {
            Ok(number) if range.contains(&number) => Some(node(name, Value::Integer(number))),
            _ => {
                let (least, most) = (range.start(), range.end());
                self.error(format_args!(
                    "`{name}` is `{}`; expected a whole number of milliseconds from {least} to {most}",
                    said(&value)
                ));
                None
            }
        }
    }

    pub(super) fn old_names(&mut self) -> Option<Node> {
        const NAME: &str = "OTELIER_OLD_NAMES";
        let list = self.get(NAME)?;
        let words = list.split(',').map(str::trim).filter(|word| !word.is_empty());
        let known = |word: &&str| OldNames::ALL.into_iter().any(|system| system.as_str() == *word);
        if !words.clone().all(|word| known(&word)) {
            let known = suggest::list(OldNames::ALL.iter().map(|system| system.as_str()));
            self.error(format_args!("`{NAME}` is `{}`; expected a list of {known}", said(&list)));
            return None;
        }
        Some(node(NAME, Value::List(words.map(|word| node(NAME, Value::Text(word.to_owned()))).collect())))
    }

    /// A list, because the specification's variable for other migrations is one. What is in none of its values would leave
    /// the exceptions where they are without a word, so it is refused.
    pub(super) fn exception_signal(&mut self) -> Option<Node> {
        const NAME: &str = "OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN";
        let list = self.get(NAME)?;
        let mut signal = None;
        for word in list.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            match word {
                "logs/dup" => signal = Some("logs/dup"),
                "logs" => signal = signal.or(Some("logs")),
                _ => {
                    self.error(format_args!("`{NAME}` is `{}`; expected a list of `logs` or `logs/dup`", said(&list)));
                    return None;
                }
            }
        }
        signal.map(|signal| node(NAME, Value::Text(signal.to_owned())))
    }
}

/// A value that this variable gave.
pub(super) fn node(name: &str, value: Value) -> Node {
    Node::new(value, Origin::Variable(name.to_owned()))
}

/// A value as messages show it: short, on one line, without passwords.
pub(super) fn said(value: &str) -> String {
    short(&without_password(value))
}
