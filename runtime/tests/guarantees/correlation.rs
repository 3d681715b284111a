//! Correlation contexts are on every span below them, and go where contexts go.

use crate::support::{Recorder, turn};
use opentelemetry::Context;
use opentelemetry_sdk::trace::SpanData;
use otelier::config::Hooks;
use otelier::correlation::{Settings, Workflow};
use otelier::schema::crypto::{Market, ProcessingStage};
use otelier::{CorrelationContext, Span, Telemetry, correlation_id, trace, trace_job};
use std::collections::HashMap;
use std::sync::Arc;

fn order(id: &str) -> CorrelationContext {
    CorrelationContext::with_id(id).expect("it is valid")
}

fn value(span: &SpanData, key: &str) -> Option<String> {
    let mut found = span.attributes.iter().filter(|attribute| attribute.key.as_str() == key);
    let value = found.next().map(|attribute| attribute.value.to_string());
    assert!(found.next().is_none(), "`{key}` is there twice on `{}`", span.name);
    value
}

/// The attribute of the span of this name.
#[track_caller]
fn of(spans: &[SpanData], name: &str, key: &str) -> Option<String> {
    value(spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no span `{name}`")), key)
}

fn id() -> Option<Arc<str>> {
    correlation_id()
}

#[trace]
fn outer() {
    inner();
}

#[trace]
fn inner() {}

#[trace]
async fn task() -> Option<Arc<str>> {
    tokio::task::yield_now().await;
    inner();
    id()
}

#[test]
fn every_span_that_begins_inside_has_the_context_as_attributes_and_none_outside() {
    let recorder = Recorder::start();
    let context = order("order-42").with_user("u").with_operation("checkout").with_job("7").with("app.a", "1").unwrap();
    context.in_scope(|| {
        outer();
        drop(Span::start("by hand"));
    });
    drop(Span::start("outside"));
    let spans = recorder.spans();
    for name in ["outer", "inner", "by hand"] {
        for (key, expected) in [
            ("correlation.id", "order-42"),
            ("user.id", "u"),
            ("operation.name", "checkout"),
            ("job.id", "7"),
            ("app.a", "1"),
        ] {
            assert_eq!(of(&spans, name, key).as_deref(), Some(expected), "{name} {key}");
        }
    }
    assert_eq!(of(&spans, "outside", "correlation.id"), None);
}

#[test]
fn a_context_entered_inside_a_span_reaches_the_spans_below_alone_and_keeps_their_parent() {
    let recorder = Recorder::start();
    otelier::in_span("root", |_| {
        order("a").in_scope(outer);
        drop(Span::start("beside"));
    });
    let spans = recorder.spans();
    let span = |name: &str| spans.iter().find(|span| span.name == name).expect("the span");
    assert_eq!(of(&spans, "inner", "correlation.id").as_deref(), Some("a"));
    assert_eq!((of(&spans, "root", "correlation.id"), of(&spans, "beside", "correlation.id")), (None, None));
    assert_eq!(span("outer").parent_span_id, span("root").span_context.span_id());
    assert_eq!(span("beside").parent_span_id, span("root").span_context.span_id());
}

#[trace]
fn lazy() {
    order("a").in_scope(|| {
        inner();
        drop(Span::start("by hand"));
    });
    drop(Span::start("beside"));
}

#[test]
fn spans_below_a_context_that_a_lazy_span_entered_are_its_children() {
    let recorder = Recorder::start();
    otelier::in_span("root", |_| lazy());
    let spans = recorder.spans();
    let span = |name: &str| spans.iter().find(|span| span.name == name).expect("the span");
    for name in ["inner", "by hand", "beside"] {
        assert_eq!(span(name).parent_span_id, span("lazy").span_context.span_id(), "{name}");
    }
    assert_eq!(span("lazy").parent_span_id, span("root").span_context.span_id());
}

#[test]
fn contexts_that_end_in_another_order_leave_spans_where_they_belong() {
    let recorder = Recorder::start();
    otelier::in_span("root", |_| {
        let first = order("a").enter();
        let second = order("b").enter();
        drop(first);
        inner();
        drop(second);
        drop(Span::start("beside"));
    });
    let spans = recorder.spans();
    let span = |name: &str| spans.iter().find(|span| span.name == name).expect("the span");
    for name in ["inner", "beside"] {
        assert_eq!(span(name).parent_span_id, span("root").span_context.span_id(), "{name}");
    }
    assert_eq!(of(&spans, "inner", "correlation.id").as_deref(), Some("b"));
    assert_eq!(of(&spans, "beside", "correlation.id"), None);
}

#[trace(name = "known: {app.id}", app.id = id)]
fn known(id: &str) {}

/// All ways to enter three contexts, one of them below another attached span, and to leave them.
#[test]
fn every_span_has_the_context_that_is_current_whatever_was_entered_and_left() {
    let recorder = Recorder::start();
    let check = || known(id().as_deref().unwrap_or("none"));
    for order_of_ends in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        for attached_before in 0..4 {
            otelier::in_span("root", |_| {
                let mut guards = Vec::new();
                let mut attached = None;
                for (number, name) in ["a", "b", "c"].into_iter().enumerate() {
                    if number == attached_before {
                        let span = Span::start("attached");
                        attached = Some((span.context().clone().attach(), span));
                    }
                    guards.push(Some(order(name).enter()));
                    check();
                }
                for at in order_of_ends {
                    drop(guards[at].take());
                    check();
                    trace_block(&check);
                }
                drop(attached);
                check();
                let _again = order("d").enter();
                check();
            });
            check();
        }
    }
    let spans = recorder.spans();
    let found: Vec<_> = spans.iter().filter(|span| span.name.starts_with("known: ")).collect();
    assert_eq!(found.len(), 6 * 4 * (3 + 9 + 2 + 1));
    for span in found {
        let expected = span.name.strip_prefix("known: ").filter(|id| *id != "none").map(str::to_owned);
        assert_eq!(value(span, "correlation.id"), expected, "{}", span.name);
    }
}

#[trace]
fn trace_block(f: &impl Fn()) {
    f();
    let _inside = order("inside").enter();
    f();
}

#[test]
fn a_refused_id_is_said_by_the_spans_and_never_shown() {
    let recorder = Recorder::start();
    let headers = HashMap::from([("x-correlation-id".to_owned(), "evil <script>".to_owned())]);
    CorrelationContext::from_carrier(&headers, &Settings::default()).expect("one is made").in_scope(inner);
    let spans = recorder.spans();
    assert_eq!(of(&spans, "inner", "otelier.correlation_refused").as_deref(), Some("true"));
    assert!(!format!("{spans:?}").contains("evil"));
}

#[tokio::test]
async fn contexts_go_with_tasks_and_threads_and_tasks_do_not_mix() {
    let recorder = Recorder::start();
    let (a, b) = (order("a"), order("b"));
    let one = a.in_scope(|| otelier::spawn(task()));
    let two = tokio::spawn(b.in_future(task()));
    let joined = (one.await.unwrap(), two.await.unwrap());
    assert_eq!((joined.0.as_deref(), joined.1.as_deref()), (Some("a"), Some("b")));
    let both = async { (a.in_future(task()).await, id(), b.in_future(task()).await) };
    let (first, between, second) = both.await;
    assert_eq!((first.as_deref(), between, second.as_deref()), (Some("a"), None, Some("b")));
    let thread = a.in_scope(|| otelier::spawn_thread(|| (id(), inner())));
    assert_eq!(thread.join().unwrap().0.as_deref(), Some("a"));
    assert_eq!(id(), None);
    let spans = recorder.spans();
    let with_id = |id: &str| spans.iter().filter(|span| value(span, "correlation.id").as_deref() == Some(id)).count();
    assert_eq!((with_id("a"), with_id("b")), (5, 4));
}

#[test]
fn header_and_baggage_make_the_round_trip_through_the_global_propagator() {
    let recorder = Recorder::with(Telemetry::default());
    let settings = Settings::default().with_baggage(["correlation.id", "job.id"]);
    let mut headers = HashMap::new();
    let sent = order("order-42").with_job("j 1,2").with_user("u");
    opentelemetry::global::get_text_map_propagator(|propagator| {
        propagator.inject_context(&sent.context_with(&Context::current(), &settings), &mut headers);
    });
    assert!(
        headers["baggage"].contains("correlation.id=order-42") && !headers["baggage"].contains("user.id"),
        "{headers:?}"
    );
    let found = CorrelationContext::from_carrier(&headers, &settings).unwrap();
    assert_eq!((found.id(), found.job(), found.user()), ("order-42", Some("j 1,2"), None));
    sent.inject(&mut headers, &settings);
    headers.remove("baggage");
    assert_eq!(CorrelationContext::from_carrier(&headers, &settings).unwrap().id(), "order-42");
    drop(recorder);
}

#[test]
fn settings_of_the_pipeline_are_those_of_whoever_gives_none() {
    let recorder = Recorder::with(Telemetry::default().with_correlation(Settings::default().with_baggage(["user.id"])));
    let context = order("a").with_user("u").context(&Context::new());
    let baggage = opentelemetry::baggage::BaggageExt::baggage(&context);
    assert_eq!((baggage.get("user.id").map(|user| user.as_str()), baggage.get("correlation.id")), (Some("u"), None));
    recorder.telemetry().reload(&Telemetry::default()).expect("it may change");
    let context = order("a").with_user("u").context(&Context::new());
    assert_eq!(opentelemetry::baggage::BaggageExt::baggage(&context).get("user.id"), None);
    drop(recorder);
}

#[test]
fn a_workflow_is_on_the_spans_of_both_services() {
    let recorder = Recorder::start();
    let workflow = Workflow::new("run-1").with_name("collect").with_market(Market::Binance);
    let mut headers = HashMap::new();
    workflow.with_stage(ProcessingStage::Ingestion).in_scope(|| {
        drop(Span::start("here"));
        opentelemetry::global::get_text_map_propagator(|propagator| propagator.inject(&mut headers));
    });
    let received = opentelemetry::global::get_text_map_propagator(|propagator| propagator.extract(&headers));
    Workflow::from_baggage(&received).expect("one came in").in_scope(|| drop(Span::start("there")));
    let spans = recorder.spans();
    for name in ["here", "there"] {
        assert_eq!(of(&spans, name, "crypto.workflow_id").as_deref(), Some("run-1"));
        assert_eq!(of(&spans, name, "crypto.processing_stage").as_deref(), Some("ingestion"));
    }
}

#[trace_job]
fn plain_job() -> Option<Arc<str>> {
    inner();
    id()
}

#[trace_job(job.id = number, correlation = message)]
async fn told_job(number: &str, message: Option<CorrelationContext>) -> Option<CorrelationContext> {
    drop(message);
    tokio::task::yield_now().await;
    inner();
    CorrelationContext::current()
}

#[trace_job(correlation.id = order)]
fn named_job(order: String) -> Option<Arc<str>> {
    drop(order);
    id()
}

#[trace_job(parent = context, correlation = message)]
fn job_below(context: Context, message: &CorrelationContext) -> Option<Arc<str>> {
    inner();
    id()
}

#[trace(correlation = message)]
fn any_function(message: &CorrelationContext) -> Option<Arc<str>> {
    id()
}

struct Jobs(&'static str);

#[trace_job(correlation = CorrelationContext::with_id(self.0).ok())]
impl Jobs {
    fn method(&self) -> Option<Arc<str>> {
        id()
    }
}

#[trace]
fn lazy_with_a_scope() -> Result<(), String> {
    let _entered = order("a").enter();
    record!(app.recorded = 1);
    event!("told", app.part = 2);
    otelier::current_span().set_attribute("app.late", 3);
    inner();
    Err("broken".to_owned())
}

#[test]
fn what_is_recorded_inside_of_a_scope_reaches_the_lazy_span_around_it() {
    for hooks in [Hooks::Global, Hooks::None] {
        let recorder = Recorder::with(Telemetry::default().with_hooks(hooks));
        otelier::in_span("root", |_| assert!(lazy_with_a_scope().is_err()));
        let spans = recorder.spans();
        for (key, expected) in [("app.recorded", "1"), ("app.late", "3"), ("error.type", "alloc::string::String")] {
            assert_eq!(of(&spans, "lazy_with_a_scope", key).as_deref(), Some(expected), "{key} {hooks:?}");
        }
        let span = spans.iter().find(|span| span.name == "lazy_with_a_scope").expect("the span");
        assert!(span.events.iter().any(|event| event.name == "told"), "{hooks:?}");
        assert_eq!(value(span, "correlation.id"), None, "it began before");
        assert_eq!(of(&spans, "inner", "correlation.id").as_deref(), Some("a"), "{hooks:?}");
        assert_eq!(of(&spans, "root", "app.late"), None);
    }
}

#[trace]
async fn holds_a_guard(id: &str) {
    let _entered = order(id).enter();
    for _ in 0..3 {
        tokio::task::yield_now().await;
        outer();
    }
}

#[tokio::test(flavor = "current_thread")]
async fn guards_that_are_held_over_an_await_leave_nothing_behind() {
    let recorder = Recorder::start();
    tokio::join!(holds_a_guard("a"), holds_a_guard("b"), holds_a_guard("c"));
    assert_eq!(id(), None);
    assert!(!otelier::bridge::current_span_context().is_valid());
    otelier::in_span("root", |_| outer());
    let spans = recorder.spans();
    let root = spans.iter().find(|span| span.name == "root").expect("the span").span_context.trace_id();
    for span in spans.iter().filter(|span| span.span_context.trace_id() == root) {
        assert_eq!(value(span, "correlation.id"), None, "{}", span.name);
    }
    assert_eq!(spans.len(), 3 + 3 * 3 * 2 + 3);
}

/// Arguments named as what the expansion uses.
#[trace_job(correlation.id = begin, job.id = of_job)]
fn oddly_named_job(begin: &str, of_job: &str) -> Option<CorrelationContext> {
    CorrelationContext::current()
}

#[test]
fn names_of_arguments_mean_the_arguments() {
    let _turn = crate::support::turn();
    let found = oddly_named_job("order-7", "j").expect("a job has one");
    assert_eq!((found.id(), found.job()), ("order-7", Some("j")));
}

/// Everything a function can be, in one place.
struct Worker<T>(T);

#[trace_job]
impl<T: Clone + Send + Sync + 'static> Worker<T> {
    fn generic<'a, U: AsRef<str> + ?Sized>(&'a self, text: &'a U) -> (&'a str, Option<Arc<str>>) {
        (text.as_ref(), id())
    }

    async fn asynchronous<'a>(&'a self, text: &'a str) -> Result<&'a str, std::num::ParseIntError> {
        let _: i32 = text.parse()?;
        tokio::task::yield_now().await;
        id().ok_or_else(|| "".parse::<i32>().unwrap_err())?;
        Ok(text)
    }
}

#[trace_job(correlation = message)]
fn later(message: &CorrelationContext) -> impl Future<Output = Option<Arc<str>>> + use<> {
    async { id() }
}

type Running<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

trait Boxed {
    fn run<'a>(&'a self, text: &'a str) -> Running<'a, (usize, Option<Arc<str>>)>;
}

/// As `async_trait` writes it.
impl<T: Sync> Boxed for Worker<T> {
    #[trace_job]
    fn run<'a>(&'a self, text: &'a str) -> Running<'a, (usize, Option<Arc<str>>)> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            (text.len(), id())
        })
    }
}

#[tokio::test]
async fn jobs_of_all_shapes_have_a_context() {
    let recorder = Recorder::start();
    let worker = Worker(1);
    let (text, first) = worker.generic("text");
    assert!(text == "text" && first.is_some());
    assert_eq!(worker.asynchronous("12").await, Ok("12"));
    assert!(worker.asynchronous("x").await.is_err());
    let future = { later(&order("later")) };
    assert_eq!(future.await.as_deref(), Some("later"));
    let (length, boxed) = worker.run("text").await;
    assert!(length == 4 && boxed.is_some());
    assert_eq!(id(), None);
    let spans = recorder.spans();
    assert!(spans.len() == 5 && spans.iter().all(|span| span.name.starts_with("job ")), "{spans:?}");
}

#[test]
fn contexts_are_harmless_where_a_thread_ends_and_its_context_is_gone() {
    struct Late(Option<std::pin::Pin<Box<dyn Future<Output = ()>>>>);
    impl Drop for Late {
        fn drop(&mut self) {
            assert_eq!(id(), None);
            assert!(CorrelationContext::current().is_none() && Workflow::current().is_none());
            drop(self.0.take());
        }
    }
    thread_local!(static LATE: std::cell::RefCell<Option<Late>> = const { std::cell::RefCell::new(None) });
    let _turn = turn();
    for polls in [0, 1] {
        let run = move || {
            // Begun before OpenTelemetry's context, so that it ends after.
            LATE.set(Some(Late(None)));
            let mut future: std::pin::Pin<Box<dyn Future<Output = ()>>> =
                Box::pin(order("a").in_future(std::future::pending()));
            for _ in 0..polls {
                let task = &mut std::task::Context::from_waker(std::task::Waker::noop());
                assert!(future.as_mut().poll(task).is_pending());
            }
            LATE.with_borrow_mut(|late| late.as_mut().expect("it was set").0 = Some(future));
        };
        std::thread::spawn(run).join().expect("it ends as usual");
    }
}

#[test]
fn a_job_has_a_context_of_its_own_unless_one_is_current() {
    let recorder = Recorder::start();
    let made = plain_job().expect("a new one");
    assert_eq!(order("outer").in_scope(plain_job).as_deref(), Some("outer"));
    assert_eq!(id(), None);
    let spans = recorder.spans();
    let ids: Vec<_> = spans.iter().map(|span| value(span, "correlation.id").expect("an id")).collect();
    assert_eq!(ids, [&*made, &*made, "outer", "outer"]);
}

#[test]
fn a_job_takes_the_context_of_its_message_and_the_id_of_its_annotation() {
    let _turn = crate::support::turn();
    assert_eq!(named_job("order-7".into()).as_deref(), Some("order-7"));
    assert_eq!(named_job("not an id".into()).map(|id| id.len()), Some(36));
    assert_eq!(any_function(&order("a")).as_deref(), Some("a"));
    assert_eq!(Jobs("b").method().as_deref(), Some("b"));
}

#[tokio::test]
async fn an_asynchronous_job_has_its_context_at_every_poll() {
    let recorder = Recorder::start();
    let found = tokio::spawn(async { told_job("7f3c2a", Some(order("a"))).await }).await.unwrap().expect("a context");
    assert_eq!((found.id(), found.job()), ("a", Some("7f3c2a")));
    let made = told_job("8", None).await.expect("a new one");
    assert_eq!(made.job(), Some("8"));
    let spans = recorder.spans();
    assert_eq!(of(&spans, "inner", "job.id").as_deref(), Some("7f3c2a"));
    assert_eq!(of(&spans, "job told_job", "correlation.id").as_deref(), Some("a"));
}

#[test]
fn a_job_below_a_given_parent_keeps_its_context() {
    let recorder = Recorder::start();
    let parent = Span::start("parent");
    assert_eq!(job_below(parent.context().clone(), &order("a")).as_deref(), Some("a"));
    drop(parent);
    let spans = recorder.spans();
    for name in ["job job_below", "inner"] {
        assert_eq!(of(&spans, name, "correlation.id").as_deref(), Some("a"));
    }
}

#[test]
fn contexts_work_without_a_pipeline() {
    let _turn = crate::support::turn();
    assert_eq!(order("a").in_scope(plain_job).as_deref(), Some("a"));
    assert!(plain_job().is_some());
}

#[test]
fn what_a_span_says_itself_counts_and_the_limit_of_attributes_holds() {
    #[trace("job.id" = "its own", app.second = 2)]
    fn work() {
        otelier::current_span().set_attribute("user.id", "set later");
    }

    let mut limits = otelier::config::Limits::default();
    limits.attributes = 4;
    let recorder = Recorder::with(Telemetry::default().with_limits(limits));
    let context = CorrelationContext::with_id("a").expect("it is valid").with_user("outer").with_job("outer");
    let context = context.with("app.tenant", "left out").expect("it is valid");
    context.in_scope(work);
    let spans = recorder.spans();
    let of = |key: &str| spans[0].attributes.iter().filter(|known| known.key.as_str() == key).collect::<Vec<_>>();
    assert_eq!(spans[0].attributes.len(), 4, "{:?}", spans[0].attributes);
    assert_eq!(spans[0].dropped_attributes_count, 1);
    assert_eq!(of("correlation.id").len(), 1);
    assert_eq!(of("user.id").iter().map(|found| found.value.to_string()).collect::<Vec<_>>(), ["set later"]);
    assert_eq!(of("job.id").iter().map(|found| found.value.to_string()).collect::<Vec<_>>(), ["its own"]);
}

#[test]
fn who_names_a_parent_does_not_leave_the_context() {
    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[trace(parent = PARENT)]
    fn named() -> Option<Arc<str>> {
        id()
    }

    #[trace(root)]
    fn begun() -> Option<Arc<str>> {
        id()
    }

    let recorder = Recorder::start();
    let found = order("a").in_scope(|| {
        Span::builder("by hand").child_of(PARENT).start().end();
        Span::builder("by hand, begun").root().start().end();
        // What the parent's context has entered itself counts.
        Span::builder("entered").parent(&order("b").context(&Context::new())).start().end();
        [named(), begun()]
    });
    assert_eq!(found.map(|id| id.map(|id| id.to_string())), [Some("a".to_owned()), Some("a".to_owned())]);
    let spans = recorder.spans();
    for name in ["named", "begun", "by hand", "by hand, begun"] {
        assert_eq!(of(&spans, name, "correlation.id").as_deref(), Some("a"), "{name}");
    }
    assert_eq!(of(&spans, "entered", "correlation.id").as_deref(), Some("b"));
    let named = spans.iter().find(|span| span.name == "named").expect("it was recorded");
    assert_eq!(named.parent_span_id.to_string(), "b7ad6b7169203331");
}
