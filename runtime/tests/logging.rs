//! Log lines have the ids of the active span, with the real `tracing-subscriber` and the real `env_logger`.

use log::Log as _;
use otelier::export::MemoryExporter;
use otelier::logging::{Json, Log, Text, json_layer, layer};
use otelier::{CorrelationContext, Guard, Pipeline, Telemetry, trace};
use proptest::prelude::*;
use serde_json::Value;
use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tracing::subscriber::with_default;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;

/// What was written.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).expect("text")
    }

    #[track_caller]
    fn json(&self) -> Vec<Value> {
        let text = self.text();
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// One pipeline runs at a time.
struct Recorder {
    guard: Guard,
    memory: MemoryExporter,
    _turn: MutexGuard<'static, ()>,
}

static TURN: Mutex<()> = Mutex::new(());

impl Recorder {
    fn start() -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let memory = MemoryExporter::new(1000);
        let guard = Pipeline::new(Telemetry::default()).with_span_exporter(memory.clone()).start().expect("it starts");
        Self { guard, memory, _turn: turn }
    }

    /// `trace_id=… span_id=…` of the only span of this name.
    fn ids(&self, name: &str) -> (String, String) {
        self.guard.force_flush(std::time::Duration::from_secs(60)).expect("in time");
        let spans = self.memory.spans();
        let mut found = spans.iter().filter(|span| span.name == name);
        let span = found.next().expect("the span").span_context.clone();
        assert!(found.next().is_none());
        (span.trace_id().to_string(), span.span_id().to_string())
    }

    fn text_ids(&self, name: &str) -> String {
        let (trace, span) = self.ids(name);
        format!("trace_id={trace} span_id={span}")
    }
}

#[trace]
fn outer(log: impl Fn()) {
    inner(log);
}

/// A lazy span: OpenTelemetry's context has `outer`.
#[trace]
fn inner(log: impl Fn()) {
    log();
}

fn order(id: &str) -> CorrelationContext {
    CorrelationContext::with_id(id).expect("it is valid")
}

#[test]
fn a_line_of_text_has_the_ids_of_the_innermost_span_and_lines_outside_have_none() {
    let (recorder, lines) = (Recorder::start(), Lines::default());
    let format = layer().without_time_and_colours(lines.clone());
    with_default(tracing_subscriber::registry().with(format), || {
        tracing::info!("before");
        outer(|| tracing::info!(amount = 7, "inside"));
        order("order-42").in_scope(|| {
            tracing::info!("correlated");
            alone(|| tracing::info!("both"));
        });
    });
    let text = lines.text();
    let said: Vec<_> = text.lines().collect();
    assert_eq!(said[0], " INFO logging: before");
    assert_eq!(said[1], format!("{}  INFO logging: inside amount=7", recorder.text_ids("inner")));
    assert_eq!(said[2], "correlation_id=order-42  INFO logging: correlated");
    assert_eq!(said[3], format!("{} correlation_id=order-42  INFO logging: both", recorder.text_ids("alone")));
    assert_eq!(said.len(), 4);
}

#[trace]
fn alone(log: impl Fn()) {
    log();
}

/// The one-line layer as tests can read it.
trait Plain {
    fn without_time_and_colours(
        self,
        to: Lines,
    ) -> Box<dyn tracing_subscriber::Layer<tracing_subscriber::Registry> + Send + Sync>;
}

impl Plain for otelier::logging::TextLayer<tracing_subscriber::Registry> {
    fn without_time_and_colours(
        self,
        to: Lines,
    ) -> Box<dyn tracing_subscriber::Layer<tracing_subscriber::Registry> + Send + Sync> {
        let plain = |_| Text::new(tracing_subscriber::fmt::format().without_time());
        self.with_ansi(false).with_writer(to).map_event_format(plain).boxed()
    }
}

#[test]
fn the_layer_of_one_line_writes_ids_in_front_of_what_the_usual_layer_writes() {
    let (recorder, lines) = (Recorder::start(), Lines::default());
    with_default(tracing_subscriber::registry().with(layer().with_ansi(false).with_writer(lines.clone())), || {
        outer(|| tracing::warn!("slow"));
    });
    let text = lines.text();
    assert!(text.starts_with(&format!("{} ", recorder.text_ids("inner"))), "{text}");
    assert!(text.ends_with(" WARN logging: slow\n"), "{text}");
}

#[test]
fn any_format_inside_keeps_what_it_writes_and_its_colours() {
    let _recorder = Recorder::start();
    let compact = Lines::default();
    let layer = tracing_subscriber::fmt::layer().compact().with_ansi(true).with_writer(compact.clone());
    with_default(tracing_subscriber::registry().with(layer.map_event_format(Text::new)), || {
        let _span = tracing::info_span!("request", path = "/a").entered();
        order("a").in_scope(|| tracing::info!("x"));
    });
    let text = compact.text();
    assert!(text.starts_with("\x1b[2mcorrelation_id=a\x1b[0m "), "{text:?}");
    assert!(text.contains("/a"), "{text:?}");
    let pretty = Lines::default();
    let layer = tracing_subscriber::fmt::layer().pretty().with_ansi(false).with_writer(pretty.clone());
    with_default(tracing_subscriber::registry().with(layer.map_event_format(Text::new)), || {
        order("a").in_scope(|| tracing::info!("x"));
    });
    assert!(pretty.text().starts_with("correlation_id=a "), "{}", pretty.text());
}

#[test]
fn a_line_of_json_has_the_ids_at_the_top_and_keeps_the_fields_of_event_and_spans() {
    let (recorder, lines) = (Recorder::start(), Lines::default());
    with_default(tracing_subscriber::registry().with(json_layer().with_writer(lines.clone())), || {
        tracing::info!("before");
        let _span = tracing::info_span!("request", path = "/a\"b").entered();
        order("order-42").in_scope(|| {
            outer(|| tracing::info!(trace_id = "theirs", amount = 7, "a \"quoted\"\nline \u{1b}[31m"));
        });
    });
    let said = lines.json();
    assert_eq!(said.len(), 2);
    assert!(said[0].get("trace_id").is_none() && said[0].get("correlation.id").is_none());
    let (trace, span) = recorder.ids("inner");
    assert_eq!((said[1]["trace_id"].as_str(), said[1]["span_id"].as_str()), (Some(&*trace), Some(&*span)));
    // Sampled, and the trace id is random, because the trace begins here.
    assert_eq!((&said[1]["trace_flags"], &said[1]["correlation.id"]), (&"03".into(), &"order-42".into()));
    assert_eq!(said[1]["fields"]["message"], "a \"quoted\"\nline \u{1b}[31m");
    assert_eq!((&said[1]["fields"]["trace_id"], &said[1]["fields"]["amount"]), (&"theirs".into(), &7.into()));
    assert_eq!(said[1]["span"]["path"], "/a\"b");
    assert_eq!(lines.text().matches("\"span_id\"").count(), 1);
}

#[test]
fn flat_json_has_every_name_once_and_is_whole_also_if_there_is_nothing_else() {
    let (_recorder, lines) = (Recorder::start(), Lines::default());
    let layer = json_layer().map_event_format(Json::flat).with_writer(lines.clone());
    with_default(tracing_subscriber::registry().with(layer), || {
        outer(|| tracing::info!(trace_id = "theirs", amount = 7));
    });
    let said = lines.json();
    assert_eq!((&said[0]["trace_id"], &said[0]["amount"]), (&"theirs".into(), &7.into()));
    assert_eq!(lines.text().matches("\"trace_id\"").count(), 1, "{}", lines.text());
    let bare = Lines::default();
    let format = tracing_subscriber::fmt::format().json().without_time().with_level(false).with_target(false);
    let layer = tracing_subscriber::fmt::layer().json().with_writer(bare.clone());
    let layer = layer.event_format(Json::new(format.with_current_span(false).with_span_list(false)).flat());
    with_default(tracing_subscriber::registry().with(layer), || {
        order("a").in_scope(|| tracing::info!({}));
        tracing::info!({});
    });
    assert_eq!(bare.json().first(), Some(&serde_json::json!({"correlation.id": "a"})), "{}", bare.text());
}

#[test]
fn ids_go_to_threads_and_tasks_and_end_with_a_cancelled_task() {
    let (_recorder, lines) = (Recorder::start(), Lines::default());
    let layer = layer().without_time_and_colours(lines.clone());
    let dispatch = tracing::Dispatch::new(tracing_subscriber::registry().with(layer));
    tracing::dispatcher::with_default(&dispatch, || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let at_end = AtEnd;
        let work = order("task").in_future(async move {
            let _at_end = at_end;
            tracing::info!("in the task");
            std::future::pending::<()>().await;
        });
        runtime.block_on(async {
            let task = tokio::spawn(work);
            tokio::task::yield_now().await;
            task.abort();
            let _ = task.await;
            tracing::info!("behind it");
        });
        let for_thread = dispatch.clone();
        let thread = order("thread").in_scope(|| {
            otelier::spawn_thread(move || {
                tracing::dispatcher::with_default(&for_thread, || tracing::info!("in the thread"));
            })
        });
        thread.join().unwrap();
    });
    let expected = "correlation_id=task  INFO logging: in the task\n\
                    correlation_id=task  INFO logging: dropped\n \
                    INFO logging: behind it\n\
                    correlation_id=thread  INFO logging: in the thread\n";
    assert_eq!(lines.text(), expected);
}

struct AtEnd;

impl Drop for AtEnd {
    fn drop(&mut self) {
        tracing::info!("dropped");
    }
}

/// As many contexts as OpenTelemetry takes, and one more: it says so while its context is borrowed.
fn attach_too_many() {
    let context = order("a").context(&opentelemetry::Context::new());
    let _guards: Vec<_> = (0..=u16::MAX).map(|_| context.clone().attach()).collect();
}

#[test]
fn lines_of_opentelemetry_do_not_ask_for_the_ids_that_are_being_changed() {
    let (recorder, lines) = (Recorder::start(), Lines::default());
    let run = |flat: bool| {
        let text = layer().without_time_and_colours(lines.clone());
        let json = json_layer().with_writer(Lines::default());
        let subscriber = tracing_subscriber::registry().with(text).with(json).with(otelier::tracing::layer());
        with_default(subscriber, || {
            if !flat {
                outer(|| ());
            }
            attach_too_many();
            outer(|| tracing::info!("goes on"));
        });
    };
    // The first line of a thread, and one of a thread whose context is known.
    std::thread::scope(|scope| {
        for known in [true, false] {
            scope.spawn(move || run(known)).join().expect("nothing panics");
        }
    });
    let text = lines.text();
    let warned = text.lines().filter(|line| line.contains("WARN opentelemetry: ")).count();
    assert_eq!(warned, text.lines().filter(|line| line.starts_with(" WARN")).count(), "{text}");
    assert!(warned >= 2, "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("trace_id=") && line.ends_with("goes on")).count(), 2);
    drop(recorder);
}

#[test]
fn records_of_opentelemetry_have_no_ids_either() {
    let logger = Log::new(Bare::default());
    order("a").in_scope(|| {
        for target in
            ["opentelemetry", "opentelemetry_sdk", "opentelemetry-otlp", "opentelemetry::context", "opentelemetryx"]
        {
            logger.log(&log::Record::builder().target(target).args(format_args!("{target}")).build());
        }
    });
    let said = logger.into_inner().0.into_inner().unwrap();
    assert_eq!(said[..4], ["opentelemetry", "opentelemetry_sdk", "opentelemetry-otlp", "opentelemetry::context"]);
    assert_eq!(said[4], "opentelemetryx; correlation_id=a");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_line_of_json_is_json_whatever_it_says(
        text in any::<String>(),
        id in "[-A-Za-z0-9._~:/+=@#|]{1,128}",
        flat in any::<bool>(),
        spans in any::<bool>(),
    ) {
        let lines = Lines::default();
        let format = tracing_subscriber::fmt::format().json().with_span_list(spans).with_current_span(spans);
        let json = if flat { Json::new(format).flat() } else { Json::new(format) };
        let layer = tracing_subscriber::fmt::layer().json().with_writer(lines.clone()).event_format(json);
        with_default(tracing_subscriber::registry().with(layer), || {
            let _span = tracing::info_span!("sp\"an", "odd \" {{ key" = text, trace_id = text).entered();
            order(&id).in_scope(|| {
                tracing::info!("{text}");
                tracing::info!("odd \" key" = text, message = ?text, "correlation.id" = text);
                tracing::info!({});
            });
        });
        let said = lines.json();
        prop_assert_eq!(said.len(), 3);
        let place = |line: &Value| if flat { line["message"].clone() } else { line["fields"]["message"].clone() };
        prop_assert_eq!(place(&said[0]), Value::from(text.clone()));
        prop_assert_eq!(&said[0]["correlation.id"], &Value::from(id.clone()));
        prop_assert_eq!(&said[1]["correlation.id"], &Value::from(if flat { text } else { id.clone() }));
        prop_assert_eq!(&said[2]["correlation.id"], &Value::from(id));
    }
}

/// The real `env_logger`, which prints key-values.
fn env_logger(to: &Lines) -> env_logger::Logger {
    env_logger::Builder::new()
        .filter_level(log::LevelFilter::Info)
        .format_timestamp(None)
        .target(env_logger::Target::Pipe(Box::new(to.clone())))
        .build()
}

fn record(logger: &dyn log::Log, level: log::Level, text: fmt::Arguments<'_>) {
    logger.log(&log::Record::builder().level(level).target("shop").args(text).build());
}

#[test]
fn env_logger_prints_the_ids_as_key_values() {
    let (recorder, lines) = (Recorder::start(), Lines::default());
    let logger = Log::new(env_logger(&lines));
    record(&logger, log::Level::Info, format_args!("before"));
    order("order-42").in_scope(|| outer(|| record(&logger, log::Level::Info, format_args!("inside"))));
    order("order-42").in_scope(|| record(&logger, log::Level::Debug, format_args!("not enabled")));
    logger.flush();
    let text = lines.text();
    let said: Vec<_> = text.lines().collect();
    assert_eq!(said.len(), 2, "{text}");
    assert!(said[0].ends_with("before"), "{text}");
    assert!(said[1].contains(&recorder.text_ids("inner")) && said[1].ends_with(" correlation_id=order-42"), "{text}");
}

/// A logger that prints nothing but the message, and keeps the key-values.
#[derive(Default)]
struct Bare(Mutex<Vec<String>>);

impl log::Log for Bare {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        struct Pairs(String);
        impl<'a> log::kv::VisitSource<'a> for Pairs {
            fn visit_pair(&mut self, key: log::kv::Key<'a>, value: log::kv::Value<'a>) -> Result<(), log::kv::Error> {
                self.0 += &format!("; {key}={value}");
                Ok(())
            }
        }
        let mut pairs = Pairs(String::new());
        record.key_values().visit(&mut pairs).unwrap();
        let line = format!("{}{}", record.args(), pairs.0);
        self.0.lock().unwrap().push(line);
    }

    fn flush(&self) {}
}

#[test]
fn for_loggers_without_key_values_the_ids_stand_behind_the_message() {
    let logger = Log::new(Bare::default()).with_text(true);
    order("a").in_scope(|| record(&logger, log::Level::Info, format_args!("paid")));
    assert_eq!(*logger.into_inner().0.lock().unwrap(), ["paid correlation_id=a; correlation_id=a"]);
}

#[test]
fn a_key_value_that_the_record_has_is_left_as_it_is() {
    let logger = Log::new(Bare::default());
    let pairs = [("correlation_id", "theirs"), ("other", "1")];
    let mut told = log::Record::builder();
    order("a").in_scope(|| logger.log(&told.args(format_args!("paid")).key_values(&pairs).build()));
    assert_eq!(*logger.into_inner().0.lock().unwrap(), ["paid; correlation_id=theirs; other=1"]);
}

#[test]
fn a_value_that_logs_while_it_is_shown_is_no_problem() {
    struct Logs<'a>(&'a Log<Bare>);
    impl fmt::Display for Logs<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            record(self.0, log::Level::Info, format_args!("within"));
            f.write_str("shown")
        }
    }
    let logger = Log::new(Bare::default());
    order("a").in_scope(|| record(&logger, log::Level::Info, format_args!("{}", Logs(&logger))));
    let said = logger.into_inner().0.into_inner().unwrap();
    assert_eq!(said, ["within; correlation_id=a", "shown; correlation_id=a"]);
}

#[test]
fn a_second_logger_of_the_process_is_refused() {
    let install = || otelier::logging::set_logger(Log::new(Bare::default()), log::LevelFilter::Info);
    assert!(install().is_ok());
    assert!(install().is_err());
    assert_eq!(log::max_level(), log::LevelFilter::Info);
    log::info!("to nobody");
}

#[test]
fn a_line_from_a_destructor_of_the_thread_has_no_ids_and_breaks_nothing() {
    struct Late(Arc<Log<Bare>>);
    impl Drop for Late {
        fn drop(&mut self) {
            record(&*self.0, log::Level::Info, format_args!("at the end"));
        }
    }
    thread_local!(static LATE: std::cell::RefCell<Option<Late>> = const { std::cell::RefCell::new(None) });
    let logger = Arc::new(Log::new(Bare::default()));
    let own = Arc::clone(&logger);
    let thread = std::thread::spawn(move || {
        // Begun before OpenTelemetry's context, so that it ends after.
        LATE.set(Some(Late(Arc::clone(&own))));
        order("a").in_scope(|| record(&*own, log::Level::Info, format_args!("inside")));
    });
    thread.join().unwrap();
    let logger = Arc::into_inner(logger).unwrap().into_inner();
    assert_eq!(*logger.0.lock().unwrap(), ["inside; correlation_id=a", "at the end"]);
}
