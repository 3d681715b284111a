//! Rules of samplers, alone and before those of tail sampling, keep the traces that programs keep. What decides in programs is
//! asked itself: [`Simulation`].

use super::super::{Role, Sizes, written};
use super::span::Attribute;
use super::{Collector, Span, checker, conditions, files, rule, spans};
use otelier::Telemetry;
use otelier::config::{Composable, Keep, ParentBased, Rule, Sampler, SpanParent, TailRule, TailSampling};
use otelier::opentelemetry::{Array, KeyValue, StringValue, Value as Owned};
use otelier::sampling::{SimulatedSpan, Simulation};
use saphyr::{LoadableYamlNode, YamlOwned};
use serde_json::Value;
use std::cell::Cell;

/// The policies of the file that is written for these settings; `None` if there is nothing to decide.
fn policies(telemetry: &Telemetry) -> Option<Vec<Value>> {
    let mut settings = files::settings(TailSampling::new(1.0));
    settings.telemetry.sampler.clone_from(&telemetry.sampler);
    settings.telemetry.tail_sampling.clone_from(&telemetry.tail_sampling);
    settings.telemetry.span_types = true;
    let text = match written(&settings, &files::options(Role::Sampling(Sizes::default()))) {
        Ok((text, _)) => text,
        Err(error) => {
            assert!(error.contains("nothing to decide"), "{error}");
            return None;
        }
    };
    assert_eq!(checker::mistakes(&text), [""; 0], "{text}");
    let file = checker::value(&YamlOwned::load_from_str(&text).unwrap()[0]);
    let processors = file["processors"].as_object().unwrap();
    let kinds: Vec<&str> = processors.keys().map(String::as_str).collect();
    assert_eq!(kinds, ["memory_limiter", "tail_sampling"], "one that waits");
    Some(processors["tail_sampling"]["policies"].as_array().unwrap().clone())
}

fn collector_keeps(policies: Option<&[Value]>, trace: &[Span]) -> bool {
    let collector = Collector { allows: true, asked: Cell::new(0) };
    policies.is_none_or(|policies| collector.keeps(policies, trace))
}

/// What a program does with a trace whose first span comes last.
fn program_keeps(telemetry: &Telemetry, trace: &[Span]) -> bool {
    let mut simulation = Simulation::new(telemetry).unwrap();
    for (number, span) in trace.iter().enumerate() {
        simulation.add(simulated(span, number as u64));
    }
    let report = simulation.run();
    assert_eq!((report.traces, report.spans), (1, trace.len() as u64));
    report.kept.traces > 0.0
}

/// Spans are below the root, which is 1000.
fn simulated(span: &Span, number: u64) -> SimulatedSpan {
    let start = 1_700_000_000_000_000_000;
    let attributes: Vec<KeyValue> =
        span.attributes.iter().filter_map(|(key, value)| Some(KeyValue::new(key.clone(), owned(value)?))).collect();
    let schema = attributes.iter().find(|attribute| attribute.key.as_str() == "otelier.span_type");
    SimulatedSpan {
        process: "shop".to_owned(),
        trace_id: span.trace,
        span_id: if span.is_root { 1000 } else { number + 1 },
        parent_span_id: if span.is_root { 0 } else { 1000 },
        name: span.name.clone(),
        kind: span.kind,
        schema: schema.map(|schema| schema.value.as_str().into_owned()).unwrap_or_default(),
        start,
        end: start + u64::try_from(span.nanos).unwrap_or_default(),
        failed: span.failed,
        attributes,
        bytes: 100,
        ..SimulatedSpan::default()
    }
}

fn owned(value: &Attribute) -> Option<Owned> {
    let texts = |items: &[Attribute]| -> Option<Vec<StringValue>> {
        items
            .iter()
            .map(|item| if let Attribute::Text(text) = item { Some(text.clone().into()) } else { None })
            .collect()
    };
    Some(match value {
        Attribute::Nothing => return None,
        Attribute::Text(text) => text.clone().into(),
        Attribute::Int(number) => (*number).into(),
        Attribute::Double(number) => (*number).into(),
        Attribute::Bool(value) => (*value).into(),
        Attribute::List(items) => match items.first() {
            Some(Attribute::Int(_)) => Owned::Array(Array::I64(
                items
                    .iter()
                    .filter_map(|item| if let Attribute::Int(number) = item { Some(*number) } else { None })
                    .collect(),
            )),
            Some(Attribute::Double(_)) => Owned::Array(Array::F64(
                items
                    .iter()
                    .filter_map(|item| if let Attribute::Double(number) = item { Some(*number) } else { None })
                    .collect(),
            )),
            Some(Attribute::Bool(_)) => Owned::Array(Array::Bool(
                items
                    .iter()
                    .filter_map(|item| if let Attribute::Bool(value) = item { Some(*value) } else { None })
                    .collect(),
            )),
            _ => Owned::Array(Array::String(texts(items)?)),
        },
    })
}

fn root(attributes: Vec<(String, Attribute)>) -> Span {
    Span { attributes, ..Span::default() }
}

/// Traces with each subset of three keys at their root, of the others below it, and ids below, within and above every share.
fn traces() -> Vec<Vec<Span>> {
    let mut all = Vec::new();
    for subset in 0..8_usize {
        let key = |number: usize| (format!("key.{number}"), Attribute::from("yes"));
        let (found, others): (Vec<usize>, Vec<usize>) = (0..3).partition(|number| subset >> number & 1 == 1);
        for failed in [false, true] {
            for random in [0_u128, 0x60 << 48, 0xa0 << 48] {
                let trace = 0xffee_ddcc_bbaa_9988_7700_0000_0000_0000_u128 | random;
                // What a child has is nothing that the sampler could know.
                let child = Span {
                    is_root: false,
                    failed,
                    trace,
                    attributes: others.iter().map(|number| key(*number)).collect(),
                    ..Span::default()
                };
                all.push(vec![child, Span { trace, ..root(found.iter().map(|number| key(*number)).collect()) }]);
            }
        }
    }
    all
}

fn tails() -> Vec<Option<TailSampling>> {
    vec![
        None,
        Some(TailSampling::failed().or_ratio(0.5)),
        Some(TailSampling::new(0.75).with_rule(rule(0, Keep::Never)).with_rule(rule(1, Keep::Always))),
    ]
}

#[test]
fn one_processor_keeps_what_a_sampler_with_rules_and_tail_sampling_keep() {
    let samplers = [Composable::AlwaysOn, Composable::AlwaysOff, Composable::Probability(0.5)];
    let lasts = [
        None,
        Some(Composable::AlwaysOn),
        Some(Composable::Probability(0.25)),
        Some(Composable::ParentThreshold(Box::new(Composable::Probability(0.75)))),
    ];
    let (traces, mut seen, mut kept) = (traces(), 0_u32, 0_u32);
    for combination in 0..27_usize {
        let of = |number: u32| samplers[combination / 3_usize.pow(number) % 3].clone();
        for (place, last) in lasts.iter().enumerate() {
            let mut rules: Vec<Rule> =
                (0..3).map(|number| Rule::new(of(number)).attribute_is(format!("key.{number}"), ["yes"])).collect();
            rules[1].name = Some("health".to_owned());
            rules.extend(last.clone().map(Rule::new));
            let refuses = |sampler: &Composable| *sampler == Composable::AlwaysOff;
            if rules.iter().all(|rule| refuses(&rule.sampler)) {
                // It stays in the programs.
                continue;
            }
            let composed = Sampler::Composite(Composable::RuleBased(rules));
            let parents = ParentBased { root: composed.clone(), ..ParentBased::default() };
            let number = (combination + place) % 3;
            let tail = tails()[number].clone();
            let by_parents = Sampler::ParentBased(Box::new(parents));
            let mut telemetry = Telemetry::default().with_sampler(if number == 1 { by_parents } else { composed });
            telemetry.tail_sampling = tail;
            let policies = policies(&telemetry);
            for trace in &traces {
                let program = program_keeps(&telemetry, trace);
                let found = collector_keeps(policies.as_deref(), trace);
                let (sampler, tail) = (&telemetry.sampler, &telemetry.tail_sampling);
                assert_eq!(found, program, "{sampler:?}\n{tail:?}\n{trace:?}\n{policies:#?}");
                (seen, kept) = (seen + 1, kept + u32::from(program));
            }
        }
    }
    assert_eq!(seen, (27 * 4 - 1) * 48);
    assert!(kept > seen / 5 && kept < seen / 5 * 4, "{kept} of {seen}");
}

/// Rules of samplers with what those of tail sampling ask for, but for what is only known at the end.
fn heads() -> Vec<Rule> {
    let is_known = |rule: &TailRule| {
        !rule.failed
            && rule.slower_than.is_none()
            && !rule.rate_limited
            && !rule.budget_exceeded
            && rule.priority.is_none()
            // Braces stand for values: what is between them matches anything.
            && !rule.span_names.iter().any(|name| name.contains('{'))
    };
    let head = |rule: TailRule| {
        let mut head = Rule::new(Composable::AlwaysOn);
        head.span_names = rule.span_names;
        head.span_kinds = rule.span_kinds;
        head.schemas = rule.schemas;
        head.attribute_values = rule.attribute_values;
        head.attribute_patterns = rule.attribute_patterns;
        head.attribute_ranges = rule.attribute_ranges;
        head
    };
    let mut all: Vec<Rule> = conditions().into_iter().filter(is_known).map(head).collect();
    all.extend([SpanParent::None, SpanParent::Remote].map(|parent| Rule::new(Composable::AlwaysOn).parent(parent)));
    all
}

#[test]
fn every_condition_of_a_sampler_is_met_by_the_first_spans_that_meet_it_in_programs() {
    let (mut met, mut seen) = (0, 0);
    for rule in heads() {
        let has_bounds = !rule.attribute_ranges.is_empty();
        // A file has to name bounds, and attributes; what a program refuses is not asked.
        let telemetry = Telemetry::default().with_sampler(Sampler::Composite(Composable::RuleBased(vec![rule])));
        if Simulation::new(&telemetry).is_err() {
            continue;
        }
        let policies = policies(&telemetry);
        // Of a list a Collector compares nothing with bounds, which is said.
        let is_list = |span: &Span| has_bounds && matches!(span.attribute("n"), Attribute::List(_));
        for span in spans().into_iter().filter(|span| !is_list(span)) {
            let trace = [Span { is_root: false, trace: span.trace, ..Span::default() }, span];
            let program = program_keeps(&telemetry, &trace);
            assert_eq!(collector_keeps(policies.as_deref(), &trace), program, "{:?}\n{trace:?}", telemetry.sampler);
            (met, seen) = (met + u32::from(program), seen + 1);
        }
    }
    assert!(met > 100 && seen > 10_000, "{met} of {seen}");
}

#[test]
fn a_trace_whose_first_span_is_elsewhere_is_refused_by_nobody_here() {
    let off = Sampler::Composite(Composable::RuleBased(vec![
        Rule::new(Composable::AlwaysOn).attribute_is("key.0", ["yes"]),
        Rule::new(Composable::AlwaysOff),
    ]));
    let parents = ParentBased { root: off.clone(), ..ParentBased::default() };
    let child = Span { is_root: false, ..Span::default() };
    let server = Span { is_root: false, kind: otelier::schema::Kind::Server, ..Span::default() };
    let keeps = |sampler: &Sampler, span: &Span| {
        let policies = policies(&Telemetry::default().with_sampler(sampler.clone()));
        collector_keeps(policies.as_deref(), std::slice::from_ref(span))
    };
    assert!(keeps(&off, &child));
    assert!(!keeps(&off, &server), "where a trace comes in, rules that stand by themselves are asked");
    let parents = Sampler::ParentBased(Box::new(parents));
    assert!(keeps(&parents, &server), "where parents decide, another program has");
    assert!(!keeps(&parents, &Span::default()));
}

#[test]
fn names_of_both_kinds_of_rules_are_kept_and_limits_are_asked_for_nothing_that_is_dropped() {
    let mut first = Rule::new(Composable::AlwaysOff).attribute_is("key.0", ["yes"]);
    first.name = Some("health".to_owned());
    let rules = vec![
        first,
        Rule::new(Composable::Probability(0.5)).attribute_is("key.1", ["yes"]),
        Rule::new(Composable::AlwaysOn),
    ];
    let mut limited = rule(0, Keep::RateLimit(5.0));
    limited.name = "health".to_owned();
    let tail = TailSampling::new(0.5).with_rule(limited);
    let telemetry =
        Telemetry::default().with_sampler(Sampler::Composite(Composable::RuleBased(rules))).with_tail_sampling(tail);
    let policies = policies(&telemetry).unwrap();
    let names: Vec<&str> = policies.iter().map(|policy| policy["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["health", "rules[1]", "health_2", "otherwise"]);
    let collector = Collector { allows: true, asked: Cell::new(0) };
    let trace = |below: &str| {
        let child = Span { is_root: false, ..Span::with("key.0", "yes".into()) };
        [child, Span::with(below, "yes".into())]
    };
    assert!(!collector.keeps(&policies, &trace("key.0")));
    assert_eq!(collector.asked.get(), 0, "a trace that the sampler refuses takes nothing of a limit");
    assert!(collector.keeps(&policies, &trace("key.2")));
    assert_eq!(collector.asked.get(), 1);
}
