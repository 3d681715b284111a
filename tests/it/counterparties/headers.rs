//! Headers of OpenTelemetry for Python: what it writes is read here, and what is written here it reads, in every format.

use super::program::{PYTHON, has, python, skipped};
use opentelemetry::baggage::BaggageExt;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use otelier::config::Propagator;
use otelier::propagation::{Headers, Propagators};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::process::{Command, Stdio};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/it/counterparties/headers.py");

/// What a context says, in words that both sides have.
#[derive(Clone, Debug, Default, PartialEq)]
struct Said {
    trace: String,
    span: String,
    flags: u8,
    state: String,
    baggage: BTreeMap<String, String>,
}

impl Said {
    fn of(context: &Context) -> Self {
        let span = context.span().span_context().clone();
        let baggage = context.baggage().iter().map(|(key, (value, _))| (key.to_string(), value.to_string()));
        Self {
            trace: span.trace_id().to_string(),
            span: span.span_id().to_string(),
            flags: span.trace_flags().to_u8(),
            state: span.trace_state().header(),
            baggage: baggage.collect(),
        }
    }

    fn of_json(value: &Value) -> Self {
        let text = |name: &str| value[name].as_str().expect("a text").to_owned();
        let baggage = value["baggage"].as_object().expect("a map").iter();
        Self {
            trace: text("trace"),
            span: text("span"),
            flags: value["flags"].as_u64().and_then(|flags| u8::try_from(flags).ok()).expect("flags"),
            state: text("state"),
            baggage: baggage.map(|(key, value)| (key.clone(), value.as_str().expect("a text").to_owned())).collect(),
        }
    }

    fn context(&self) -> Context {
        let ids = (TraceId::from_hex(&self.trace).expect("an id"), SpanId::from_hex(&self.span).expect("an id"));
        let state: TraceState = self.state.parse().expect("a list");
        let span = SpanContext::new(ids.0, ids.1, TraceFlags::new(self.flags), true, state);
        let baggage = self.baggage.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
        Context::new().with_remote_span_context(span).with_baggage(baggage.collect::<Vec<_>>())
    }

    fn job(&self, format: Propagator) -> Value {
        let Self { trace, span, flags, state, baggage } = self;
        json!({"format": name(format), "trace": trace, "span": span, "flags": flags, "state": state, "baggage": baggage})
    }

    /// What of it a format carries.
    fn in_format(mut self, format: Propagator) -> Self {
        if format == Propagator::Baggage {
            return Self { baggage: self.baggage, ..Self::of(&Context::new()) };
        }
        if format != Propagator::Jaeger {
            self.baggage.clear();
        }
        if format != Propagator::TraceContext {
            (self.flags, self.state) = (self.flags & 1, String::new());
        }
        self
    }
}

fn name(format: Propagator) -> &'static str {
    match format {
        Propagator::TraceContext => "tracecontext",
        Propagator::Baggage => "baggage",
        Propagator::B3 => "b3",
        Propagator::B3Multi => "b3multi",
        Propagator::Jaeger => "jaeger",
        other => panic!("{other:?} is new, and Python is not asked for it"),
    }
}

fn samples() -> Vec<Said> {
    let mut samples = Vec::new();
    for (trace, span) in [
        ("80f198ee56343ba864fe8b2a57d3eff7", "e457b5a2e4d86bd1"),
        ("000000000000000000000000000000ab", "00000000000000cd"),
        ("ffffffffffffffffffffffffffffffff", "ffffffffffffffff"),
    ] {
        for flags in [0, 1, 2, 3] {
            let (trace, span) = (trace.to_owned(), span.to_owned());
            samples.push(Said { trace, span, flags, ..Said::default() });
        }
    }
    let texts =
        [("plain", "value"), ("empty-not", "0"), ("letters", "äß€\u{1f600}"), ("signs", "a,b;c=d%e+f\"g\\h/i?j")];
    samples[1].baggage = texts.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    // A key that begins with a digit, which level 2 allows, Python refuses with the whole list.
    samples[2].state = "ot=th:8,vendor@system=a:b c,x0=1".to_owned();
    samples[5].baggage = [("two".to_owned(), "two words".to_owned())].into();
    samples
}

/// What the script answers to these jobs.
fn ask(program: &std::path::Path, jobs: &[Value]) -> Vec<Value> {
    let mut command = Command::new(program);
    python(&mut command).arg(SCRIPT).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("Python runs");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(json!(jobs).to_string().as_bytes()).expect("the script reads all jobs first");
    drop(input);
    let output = child.wait_with_output().expect("the script ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let answers: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}\n{said}"));
    assert_eq!(answers.len(), jobs.len());
    answers
}

#[test]
fn python_reads_our_headers_and_we_read_those_of_python() {
    let Some(program) = PYTHON.find() else { return };
    for (module, package) in [
        ("opentelemetry.trace.propagation.tracecontext", "opentelemetry-api"),
        ("opentelemetry.propagators.b3", "opentelemetry-propagator-b3"),
        ("opentelemetry.propagators.jaeger", "opentelemetry-propagator-jaeger"),
    ] {
        if !has(&program, module) {
            return skipped(&format!("{package} is not installed (pip install {package})"));
        }
    }
    let all: Vec<_> =
        samples().into_iter().flat_map(|said| Propagator::ALL.map(|format| (said.clone(), format))).collect();
    let ours = all.iter().map(|(said, format)| {
        let mut headers = HashMap::new();
        Propagators::new([*format]).inject_context(&said.context(), &mut headers);
        json!({"format": name(*format), "headers": headers})
    });
    let theirs = all.iter().map(|(said, format)| said.job(*format));
    let answers = ask(&program, &ours.chain(theirs).collect::<Vec<_>>());
    let (read, written) = answers.split_at(all.len());
    for (((said, format), read), written) in all.iter().zip(read).zip(written) {
        let expected = said.clone().in_format(*format);
        assert_eq!(Said::of_json(read), expected, "Python reads {}", name(*format));
        let headers: &Map<String, Value> = written.as_object().expect("a map");
        let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str().expect("a text")));
        let found = Propagators::new([*format]).extract_with_context(&Context::new(), &Headers::new(headers));
        assert_eq!(Said::of(&found), lost(expected, *format), "we read {} of Python", name(*format));
    }
}

/// What Python loses when it writes: a space in W3C Baggage becomes a `+`, which the recommendation does not know.
fn lost(mut said: Said, format: Propagator) -> Said {
    if format == Propagator::Baggage {
        said.baggage.values_mut().for_each(|value| *value = value.replace(' ', "+"));
    }
    said
}
