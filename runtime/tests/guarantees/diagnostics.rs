//! What Otelier says of itself.

use crate::support::{PATIENCE, lock, start, turn};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use otelier::config::LogLevel;
use otelier::diagnostics::{self, Message};
use otelier::export::MemoryExporter;
use otelier::prelude::*;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

#[trace(app.number = number)]
fn leaf(number: usize) {}

/// Collects messages, and gives standard error back at the end.
struct Said {
    messages: Arc<Mutex<Vec<Message>>>,
    _turn: MutexGuard<'static, ()>,
}

impl Said {
    fn listen() -> Self {
        let turn = turn();
        let messages: Arc<Mutex<Vec<Message>>> = Arc::default();
        let heard = Arc::clone(&messages);
        diagnostics::set_sink(move |message| lock(&heard).push(message.clone()));
        Self { messages, _turn: turn }
    }

    fn of(&self, event: &str) -> Vec<String> {
        lock(&self.messages).iter().filter(|said| said.event == event).map(ToString::to_string).collect()
    }
}

impl Drop for Said {
    fn drop(&mut self) {
        diagnostics::reset_sink();
    }
}

/// Its type's name is the subject that messages are limited by, so each test has one of its own.
macro_rules! failing {
    ($name:ident, $error:expr) => {
        #[derive(Debug)]
        struct $name;

        impl SpanExporter for $name {
            async fn export(&self, _batch: Vec<SpanData>) -> OTelSdkResult {
                $error
            }
        }
    };
}

#[test]
fn the_first_failed_export_is_said_and_those_after_it_are_counted() {
    failing!(Unreachable, Err(OTelSdkError::InternalFailure("no way to http://me:secret@host\n\u{1b}[31m".to_owned())));
    let said = Said::listen();
    let telemetry = start(Telemetry::default(), Unreachable);
    for number in 0..5 {
        leaf(number);
        telemetry.force_flush(PATIENCE).expect("in time");
    }
    telemetry.shutdown().expect("in time");
    let lines = said.of("Exporter.Export.Failed");
    let [line] = &lines[..] else { panic!("{lines:?}") };
    assert!(line.starts_with("otelier: warn: Exporter.Export.Failed: Unreachable: "), "{line}");
    assert!(line.ends_with("; 1 spans are lost"), "{line}");
    let total = "otelier: warn: Exporter.Export.Lost: Unreachable: 5 spans were lost since the start: refused 5";
    assert_eq!(said.of("Exporter.Export.Lost"), [total], "not all were told of");
    assert!(!line.contains("secret") && !line.contains(char::is_control), "{line}");
}

#[test]
fn a_timeout_and_a_panic_have_events_of_their_own() {
    failing!(Late, std::future::pending().await);
    failing!(Fragile, panic!("on purpose"));
    let said = Said::listen();
    let telemetry = otelier::Pipeline::new(Telemetry::default().with_export_timeout(Duration::from_millis(20)))
        .with_span_exporter(Late)
        .with_span_exporter(Fragile)
        .start()
        .expect("it starts");
    leaf(1);
    telemetry.shutdown().expect("in time");
    assert_eq!(
        said.of("Exporter.Export.Timeout"),
        ["otelier: warn: Exporter.Export.Timeout: Late: the export took longer than 20ms; 1 spans are lost"]
    );
    assert_eq!(
        said.of("Exporter.Export.Panicked"),
        ["otelier: warn: Exporter.Export.Panicked: Fragile: the exporter panicked: on purpose; 1 spans are lost"]
    );
}

#[test]
fn at_debug_the_start_and_every_batch_are_said_without_secrets() {
    let said = Said::listen();
    let settings = Telemetry::default().with_log_level(LogLevel::Debug);
    let telemetry = start(settings, MemoryExporter::new(10));
    leaf(1);
    telemetry.force_flush(PATIENCE).expect("in time");
    assert_eq!(
        said.of("Exporter.Export.Done"),
        ["otelier: debug: Exporter.Export.Done: MemoryExporter: exported 1 spans"]
    );
    let started = said.of("Pipeline.Start.Done");
    assert!(started[0].contains("exporters: MemoryExporter (spans); settings: Telemetry {"), "{started:?}");
    telemetry.set_log_level(LogLevel::Off);
    leaf(2);
    telemetry.shutdown().expect("in time");
    assert_eq!(said.of("Exporter.Export.Done").len(), 1);
}

#[test]
fn at_debug_it_is_said_why_tail_sampling_does_not_keep_a_trace() {
    use otelier::config::{Keep, TailRule, TailSampling};
    let said = Said::listen();
    let tail = TailSampling::new(1e-16)
        .with_rule(TailRule::new("probes", Keep::Never).attribute_is("app.probe", ["yes"]))
        .with_rule(TailRule::new("a few", Keep::Ratio(1e-16)).attribute_is("app.probe", ["perhaps"]));
    let settings = Telemetry::default().with_tail_sampling(tail).with_log_level(LogLevel::Debug);
    let telemetry = start(settings, MemoryExporter::new(10));
    for (on_thread, probe) in [(true, "yes"), (true, "no"), (false, "perhaps"), (false, "no")] {
        match on_thread {
            true => otelier::prelude::trace_block!(name = "root", "app.probe" = probe, { leaf(1) }),
            false => otelier::Span::builder("task").attribute("app.probe", probe).start().end(),
        }
    }
    telemetry.force_flush(PATIENCE).expect("in time");
    telemetry.shutdown().expect("in time");
    let said = said.of("Sampling.Trace.Refused");
    let said: Vec<_> = said.iter().map(|line| line.split_once(", ").expect("an id, then the rest").1).collect();
    let ratio = "ratio 0.000000000000000097145, threshold fffffffffffff9";
    let none = "no rule of tail sampling matched, and its random part is below the threshold of the ratio";
    let mut expected = [
        "`root`: tail sampling does not keep it, rule `probes`".to_owned(),
        format!("`root`: {none}, {ratio}"),
        format!("`task`: tail sampling does not keep it, rule `a few`, {ratio}"),
        format!("`task`: {none}, {ratio}"),
    ];
    expected.sort_unstable();
    let mut said = said;
    said.sort_unstable();
    assert_eq!(said, expected);
}

#[test]
fn at_debug_it_is_said_why_a_trace_was_not_recorded_also_where_that_is_decided_with_one_word() {
    use otelier::config::{Composable, Rule, Sampler};
    let said = Said::listen();
    let settings = Telemetry::default().with_sampler(Sampler::AlwaysOff);
    let telemetry = start(settings, MemoryExporter::new(10));
    leaf(0);
    telemetry.set_log_level(LogLevel::Debug);
    leaf(1);
    telemetry.set_sampler(Sampler::TraceIdRatio(0.0)).expect("it is one");
    leaf(2);
    let rules = Composable::RuleBased(vec![
        Rule::new(Composable::AlwaysOn).span_name("other"),
        Rule::new(Composable::Probability(1e-16)).span_name("leaf"),
    ]);
    telemetry.set_sampler(Sampler::Composite(rules)).expect("it is one");
    leaf(3);
    never();
    telemetry.force_flush(PATIENCE).expect("in time");
    telemetry.set_log_level(LogLevel::Info);
    leaf(4);
    telemetry.shutdown().expect("in time");
    // Without the ids, which are others each time.
    let refused: Vec<_> = said
        .of("Sampling.Trace.Refused")
        .into_iter()
        .map(|line| line.split_once(", ").expect("an id, then the rest").1.to_owned())
        .collect();
    assert_eq!(
        refused,
        [
            "`leaf`: the sampler refuses everything",
            "`leaf`: the sampler refuses everything",
            "`leaf`: its random part is below the threshold of a ratio, rule `rules[1]`, ratio 0.000000000000000097145, \
             threshold fffffffffffff9",
            "`never`: `sample` of the annotation",
        ]
    );
}

#[trace(sample = never)]
fn never() {}

#[test]
fn dropped_spans_are_said_with_their_number_and_the_reason() {
    let said = Said::listen();
    let gate = crate::support::Gate::default();
    let settings = Telemetry::default()
        .with_max_queue_size(128)
        .with_max_export_batch_size(16)
        .with_schedule_delay(Duration::from_millis(1));
    let telemetry = start(settings, gate.clone());
    leaf(1);
    gate.wait_for_a_batch();
    (0..10_000).for_each(leaf);
    gate.open();
    let stats = telemetry.shutdown().expect("in time");
    assert!(stats.dropped_refused > 0, "{stats}");
    let number = |line: &String| -> u64 {
        line.split(' ').nth(3).and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("a number in {line}"))
    };
    let told: u64 = said.of("Trace.Start.Refused").iter().map(number).sum();
    assert_eq!(told, stats.dropped_refused);
}

#[test]
fn warnings_of_the_settings_are_said_once_each() {
    let said = Said::listen();
    let variables = otelier::config::Variables::of([("OTEL_LOG_LEVEL", "loud"), ("OTEL_TRACES_EXPORTER", "none")]);
    let settings = Telemetry::from_variables(&variables).expect("it is a warning only");
    assert_eq!(settings.log_level, LogLevel::Info);
    drop(otelier::init(settings).expect("it starts"));
    let lines = said.of("Config.Read.Warning");
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains("`OTEL_LOG_LEVEL` is `loud`; expected `trace`"), "{lines:?}");
}

#[test]
fn a_shutdown_that_loses_spans_says_how_many_and_who_hangs() {
    let said = Said::listen();
    let gate = crate::support::Gate::default();
    let settings = Telemetry::default().with_schedule_delay(Duration::from_millis(1));
    let telemetry = start(settings.with_shutdown_timeout(Duration::from_millis(50)), gate.clone());
    (0..3).for_each(leaf);
    gate.wait_for_a_batch();
    assert!(telemetry.shutdown().is_err());
    let lines = said.of("Pipeline.Shutdown.TimedOut");
    assert_eq!(
        lines,
        [
            "otelier: error: Pipeline.Shutdown.TimedOut: the exporters did not take all spans within 50ms; Gate has 3 of 3 \
          not; Gate does not give its thread back"
        ]
    );
    gate.open();
    crate::support::wait_until("the place to be free", || otelier::init(Telemetry::default()).is_ok());
}

#[test]
fn a_sink_that_panics_or_starts_messages_of_its_own_disturbs_nobody() {
    let _said = Said::listen();
    diagnostics::set_sink(|_| {
        // Would be told to the sink again, without end.
        let _ = otelier::init(Telemetry::default().with_log_level(LogLevel::Debug));
        panic!("on purpose");
    });
    let memory = MemoryExporter::new(10);
    let telemetry = start(Telemetry::default().with_log_level(LogLevel::Debug), memory.clone());
    leaf(1);
    telemetry.shutdown().expect("in time");
    assert_eq!(memory.spans().len(), 1);
}
