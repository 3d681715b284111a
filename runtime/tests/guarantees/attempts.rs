//! Attempts and batches: spans that link to each other.

use crate::support::*;
use opentelemetry::trace::{SpanContext, SpanKind};
use opentelemetry_sdk::trace::SpanData;
use otelier::config::Limits;
use otelier::prelude::*;
use otelier::{Attempts, Span, retry, retry_async};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const NOW: Duration = Duration::ZERO;

#[track_caller]
fn links_to_the_one_before(spans: &[SpanData]) {
    assert!(spans[0].links.is_empty());
    for pair in spans.windows(2) {
        let [link] = &*pair[1].links.links else { panic!("one link") };
        assert_eq!(link.span_context.span_id(), pair[0].span_context.span_id());
        assert_eq!(link.attributes[0].value.as_str(), "previous_attempt");
    }
}

fn attempts(spans: &[SpanData]) -> Vec<SpanData> {
    let mut spans: Vec<_> = spans.iter().filter(|span| span.name == "fetch").cloned().collect();
    spans.sort_by_key(|span| int(span, "retry.attempt"));
    spans
}

#[derive(Debug, ErrorClass)]
#[error_class(kind = unavailable, retryable)]
struct Busy;

impl std::fmt::Display for Busy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("busy")
    }
}

#[test]
fn attempts_by_class_record_what_the_error_says_of_itself() {
    let recorder = Recorder::start();
    let result: Result<(), Busy> =
        retry(Attempts::new("fetch").by_class(), [NOW; 1], Busy::is_retryable, |_span| Err(Busy));
    assert!(result.is_err());
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut attempts = Attempts::new("fetch").by_class();
    assert!(runtime.block_on(attempts.run_async(async { Err::<(), _>(Busy) })).is_err());
    let spans = recorder.spans();
    assert_eq!(spans.len(), 3);
    for span in &spans {
        let text = |key: &str| {
            let found = span.attributes.iter().find(|attribute| attribute.key.as_str() == key);
            found.map(|attribute| attribute.value.to_string())
        };
        assert_eq!(text("error.type").as_deref(), Some("busy"));
        assert_eq!(text("failure.kind").as_deref(), Some("unavailable"));
        for event in span.events.iter().filter(|event| event.name.starts_with("retry.")) {
            let said = event.attributes.iter().find(|attribute| attribute.key.as_str() == "error.type");
            assert_eq!(said.map(|said| said.value.to_string()).as_deref(), Some("busy"));
        }
    }
}

#[test]
fn calls_of_an_annotated_function_are_attempts_that_link_to_each_other() {
    #[trace(name = "fetch")]
    async fn fetch(attempts: &mut Attempts) -> Result<u32, Busy> {
        attempts.mark_current();
        if attempts.made() < 3 { Err(Busy) } else { Ok(attempts.made()) }
    }
    let recorder = Recorder::start();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut attempts = Attempts::annotated().max(3);
    let result = runtime.block_on(async {
        loop {
            match fetch(&mut attempts).await {
                Err(_) if !attempts.is_exhausted() => {}
                done => break done,
            }
        }
    });
    assert!(matches!(result, Ok(3)));
    let spans = self::attempts(&recorder.spans());
    links_to_the_one_before(&spans);
    assert_eq!(spans.iter().map(|span| int(span, "retry.attempt")).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn every_attempt_is_a_span_that_links_to_the_one_before() {
    let recorder = Recorder::start();
    let mut left = 2;
    let result = Span::start("work").in_scope(|| {
        retry(
            Attempts::new("fetch").max(5),
            [NOW; 9],
            |_: &&str| true,
            |span| {
                span.set_attribute("app.left", left);
                if left == 0 {
                    return Ok("done");
                }
                left -= 1;
                Err("no")
            },
        )
    });
    assert_eq!(result, Ok("done"));
    let spans = recorder.spans();
    links_to_the_one_before(&attempts(&spans));
    let failed = |number: i32| {
        [
            format!("  fetch retry.attempt={number} retry.max_attempts=5 app.left={} error.type=&str !no", 3 - number),
            "    * exception exception.type=&str exception.message=no".to_owned(),
            format!("    * retry.scheduled retry.attempt={number} retry.delay=0 retry.max_attempts=5 error.type=&str"),
        ]
    };
    let lines = [
        vec!["work".to_owned()],
        failed(1).into(),
        failed(2).into(),
        vec!["  fetch retry.attempt=3 retry.max_attempts=5 app.left=0".to_owned()],
    ];
    let lines = lines.concat();
    expect(spans, &lines.iter().map(|line| &**line).collect::<Vec<_>>());
}

fn events_of(max: Option<u32>, delays: usize, retries: bool) -> Vec<Vec<String>> {
    let recorder = Recorder::start();
    let mut attempts_made = Attempts::new("fetch");
    if let Some(max) = max {
        attempts_made = attempts_made.max(max);
    }
    let result = retry(attempts_made, vec![NOW; delays], |_: &&str| retries, |_| Err::<(), _>("no"));
    assert_eq!(result, Err("no"));
    let spans = attempts(&recorder.spans());
    spans.iter().map(|span| span.events.iter().skip(1).map(|event| event.name.to_string()).collect()).collect()
}

#[test]
fn the_last_attempt_says_so() {
    let (scheduled, exhausted) = (vec!["retry.scheduled".to_owned()], vec!["retry.exhausted".to_owned()]);
    assert_eq!(events_of(Some(2), 9, true), [scheduled.clone(), exhausted.clone()]);
    assert_eq!(events_of(None, 2, true), [scheduled.clone(), scheduled, exhausted.clone()]);
    assert_eq!(events_of(Some(1), 9, true), [exhausted]);
    assert_eq!(events_of(Some(9), 9, false), [Vec::<String>::new()]);
}

#[test]
fn attempts_of_a_loop_by_hand_and_of_futures_are_the_same() {
    let recorder = Recorder::start();
    let mut attempts_made = Attempts::new("fetch").max(3);
    assert!(attempts_made.run(|_| Err::<(), _>("no")).is_err());
    let found = one_thread().block_on(attempts_made.run_async(async {
        otelier::current_span().set_attribute("app.inside", 1);
        Err::<(), _>("no")
    }));
    assert!(found.is_err() && !attempts_made.is_exhausted());
    assert!(attempts_made.run(|_| Err::<(), _>("no")).is_err() && attempts_made.is_exhausted());
    assert_eq!(attempts_made.made(), 3);
    let spans = attempts(&recorder.spans());
    links_to_the_one_before(&spans);
    assert_eq!(int(&spans[1], "app.inside"), 1);
    let last: Vec<_> = spans.iter().map(|span| span.events.iter().last().map(|event| &*event.name)).collect();
    assert_eq!(last, [Some("exception"), Some("exception"), Some("retry.exhausted")]);
}

#[test]
fn attempts_of_futures_may_move_between_threads_and_sleep_as_the_caller_does() {
    #[trace]
    async fn asks(attempt: u32) -> Result<u32, std::io::Error> {
        tokio::task::yield_now().await;
        if attempt < 3 { Err(std::io::Error::other("no")) } else { Ok(attempt) }
    }
    let recorder = Recorder::start();
    let slept = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&slept);
    let sleep = move |delay| {
        lock(&noted).push(delay);
        tokio::task::yield_now()
    };
    let delays = (1..).map(Duration::from_secs);
    let runtime = many_threads();
    let task = runtime.spawn(retry_async(Attempts::new("fetch"), delays, sleep, |_: &std::io::Error| true, asks));
    assert_eq!(runtime.block_on(task).expect("no panic").expect("the third"), 3);
    assert_eq!(*lock(&slept), [Duration::from_secs(1), Duration::from_secs(2)]);
    let spans = recorder.spans();
    let found = attempts(&spans);
    links_to_the_one_before(&found);
    for (asks, attempt) in spans.iter().filter(|span| span.name == "asks").zip(&found) {
        assert!(is_child(asks, &attempt.span_context));
    }
    let scheduled = found[0].events.iter().last().expect("an event");
    assert_eq!((&*scheduled.name, scheduled.attributes[1].value.to_string()), ("retry.scheduled", "1".to_owned()));
}

#[test]
fn a_cancelled_attempt_is_no_error() {
    use std::task::{Context, Waker};
    let recorder = Recorder::start();
    let op = |_| std::future::pending::<Result<(), &str>>();
    let mut retries =
        Box::pin(retry_async(Attempts::new("fetch"), [NOW], |_| std::future::ready(()), |_: &&str| true, op));
    assert!(retries.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(retries);
    recorder.expect(&["fetch retry.attempt=1 otelier.cancelled=true"]);
}

#[test]
fn without_a_pipeline_attempts_are_made_all_the_same() {
    let turn = turn();
    let mut made = 0;
    let result = retry(
        Attempts::new("fetch").max(3),
        [NOW; 9],
        |_: &&str| true,
        |_| {
            made += 1;
            Err::<(), _>("no")
        },
    );
    assert_eq!((result, made), (Err("no"), 3));
    let result = one_thread().block_on(retry_async(
        Attempts::new("fetch").max(3),
        [NOW; 9],
        |_| std::future::ready(()),
        |_: &&str| true,
        |attempt| std::future::ready(if attempt == 2 { Ok(attempt) } else { Err("no") }),
    ));
    assert_eq!(result, Ok(2));
    drop(turn);
}

#[test]
fn a_batch_links_to_every_message_up_to_the_limit_and_counts_the_rest() {
    let mut limits = Limits::default();
    limits.links = 3;
    let recorder = Recorder::with(Telemetry::default().with_limits(limits));
    let sent: Vec<SpanContext> = (0..5).map(|_| Span::builder("send").root().start().span_context()).collect();
    let messages: Vec<_> = sent.iter().cloned().map(Some).chain([None]).collect();
    otelier::batch("handle", &messages).start().end();
    Span::batch("small", &messages[..2]).end();
    let spans = recorder.spans();
    let batch = named(&spans, "handle");
    assert_eq!((&batch.span_kind, int(batch, "messaging.batch.message_count")), (&SpanKind::Consumer, 6));
    assert_eq!((batch.links.len(), batch.links.dropped_count), (3, 2));
    assert!(batch.links.iter().map(|link| &link.span_context).eq(&sent[..3]));
    assert_eq!((named(&spans, "small").links.len(), named(&spans, "small").links.dropped_count), (2, 0));
}
