//! What needs no pipeline; spans and headers are in `tests/guarantees`.

use super::*;
use opentelemetry::baggage::BaggageExt;
use std::collections::HashMap;

fn context(id: &str) -> CorrelationContext {
    CorrelationContext::with_id(id).expect("it is valid")
}

#[test]
fn an_inner_context_inherits_what_it_does_not_set() {
    let outer = context("outer").with_user("u").with_job("j").with("app.a", "1").unwrap();
    let inner = context("inner").with_job("k").with("app.b", "2").unwrap();
    outer.in_scope(|| {
        inner.in_scope(|| {
            let current = CorrelationContext::current().unwrap();
            assert_eq!((current.id(), current.user(), current.job()), ("inner", Some("u"), Some("k")));
            assert_eq!((current.get("app.a"), current.get("app.b")), (Some("1"), Some("2")));
        });
        assert_eq!(CorrelationContext::current(), Some(outer.clone()));
    });
    assert_eq!(CorrelationContext::current(), None);
}

#[test]
fn own_keys_are_bounded_also_when_they_are_inherited() {
    let full = |prefix: &str| {
        (0..MOST_OWN_KEYS).try_fold(context("a"), |context, number| context.with(format!("{prefix}.{number}"), "x"))
    };
    let (outer, inner) = (full("app.outer").unwrap(), full("app.inner").unwrap());
    assert!(outer.clone().with("app.more", "x").is_err());
    assert!(outer.clone().with("app.outer.0", "y").is_ok());
    let inside = outer.in_scope(|| inner.in_scope(|| CorrelationContext::current().unwrap()));
    assert_eq!(inside.attributes().len(), 1 + MOST_OWN_KEYS);
    assert_eq!(inside.get("app.inner.15"), Some("x"));
}

#[test]
fn values_are_cut_at_a_character_and_have_no_control_characters() {
    let long = "é".repeat(200);
    let kept = context("a").with_user(&long);
    assert_eq!(kept.user().map(str::len), Some(LONGEST_VALUE));
    let odd = "x".to_owned() + &long;
    assert_eq!(context("a").with_user(&odd).user().map(str::len), Some(LONGEST_VALUE - 1));
    assert_eq!(context("a").with_operation("a\r\nb").operation(), Some("a  b"));
    assert_eq!(context("a").with_user("b").with_user("").user(), None);
}

#[test]
fn keys_that_have_methods_or_break_baggage_are_refused_with_what_to_do() {
    let said = |key: &str| context("a").with(key, "x").unwrap_err().to_string();
    assert_eq!(said("user.id"), "this key has a method of its own; call `with_user`");
    assert_eq!(said("correlation.id"), "this key has a method of its own; call `CorrelationContext::with_id`");
    for key in ["", "a b", "a=b", "a,b", "é", "a\n", &"k".repeat(65)] {
        assert!(said(key).contains("expected 1 to 64 letters"), "{key}");
    }
}

#[test]
fn debug_shows_neither_the_user_nor_values_of_own_keys() {
    let shown = format!("{:?}", context("order-42").with_user("ann@example.org").with("app.card", "4111").unwrap());
    assert!(shown.contains("order-42") && shown.contains("app.card"), "{shown}");
    assert!(!shown.contains("ann") && !shown.contains("4111"), "{shown}");
    let error = format!("{:?}", CorrelationContext::with_id("secret token").unwrap_err());
    assert!(!error.contains("secret"), "{error}");
}

#[test]
fn guards_may_be_dropped_in_any_order() {
    let (outer, inner) = (context("outer"), context("inner"));
    let first = outer.enter();
    let second = inner.enter();
    drop(first);
    assert_eq!(crate::correlation_id().as_deref(), Some("inner"));
    drop(second);
    assert_eq!(crate::correlation_id(), None);
}

#[test]
fn a_panic_leaves_the_scope() {
    let panicked = std::panic::catch_unwind(|| context("a").in_scope(|| panic!("as it should")));
    assert!(panicked.is_err());
    assert_eq!(crate::correlation_id(), None);
}

#[test]
fn a_future_is_dropped_where_it_ran_even_if_it_was_never_polled() {
    struct AtEnd(std::sync::mpsc::Sender<Option<Arc<str>>>);
    impl Drop for AtEnd {
        fn drop(&mut self) {
            let _ = self.0.send(crate::correlation_id());
        }
    }
    let (sender, found) = std::sync::mpsc::channel();
    for polls in [0, 1] {
        let at_end = AtEnd(sender.clone());
        let future = async move {
            let _at_end = at_end;
            std::future::pending::<()>().await;
        };
        let mut future = Box::pin(context("a").in_future(future));
        for _ in 0..polls {
            let task = &mut std::task::Context::from_waker(std::task::Waker::noop());
            assert!(future.as_mut().poll(task).is_pending());
        }
        drop(future);
        assert_eq!(found.try_recv().ok().flatten().as_deref(), Some("a"));
        assert_eq!(crate::correlation_id(), None);
    }
}

#[test]
fn the_header_goes_and_comes_and_two_of_them_are_refused() {
    struct Two;
    impl opentelemetry::propagation::Extractor for Two {
        fn get(&self, _: &str) -> Option<&str> {
            Some("one")
        }
        fn keys(&self) -> Vec<&str> {
            vec!["x-correlation-id"]
        }
        fn get_all(&self, _: &str) -> Option<Vec<&str>> {
            Some(vec!["one", "two"])
        }
    }
    let settings = Settings::default().with_header("X-Request-Id");
    let mut headers = HashMap::new();
    context("order-42").inject(&mut headers, &settings);
    assert_eq!(headers, HashMap::from([("x-request-id".to_owned(), "order-42".to_owned())]));
    let found = CorrelationContext::from_carrier(&headers, &settings).unwrap();
    assert_eq!((found.id(), found.origin()), ("order-42", Origin::Received));
    assert_eq!(CorrelationContext::from_carrier(&Two, &settings).unwrap().origin(), Origin::Replaced);
    let none = Settings::default().with_header("");
    let mut empty = HashMap::new();
    context("order-42").inject(&mut empty, &none);
    assert!(empty.is_empty());
}

#[test]
fn settings_say_what_is_believed_and_what_is_made() {
    let headers = HashMap::from([("x-correlation-id".to_owned(), "theirs".to_owned())]);
    let empty = HashMap::new();
    let usual = Settings::default();
    let origin = |headers, settings: &Settings| {
        CorrelationContext::from_carrier(headers, settings).map(|context| context.origin())
    };
    assert_eq!(origin(&headers, &usual), Some(Origin::Received));
    assert_eq!(origin(&headers, &usual.clone().with_accept(false)), Some(Origin::Made));
    assert_eq!(origin(&empty, &usual), Some(Origin::Made));
    assert_eq!(origin(&empty, &usual.clone().with_generate(false)), None);
    assert_eq!(origin(&headers, &usual.with_accept(false).with_generate(false)), None);
}

#[test]
fn baggage_has_what_the_settings_name_and_leaves_the_rest_alone() {
    let theirs = Context::new().with_baggage([KeyValue::new("theirs", "1"), KeyValue::new("correlation.id", "old")]);
    let sent = context("order-42").with_user("u").with_job("j").with("app.tenant", "north").unwrap();
    let usual = sent.context_with(&theirs, &Settings::default());
    let get = |context: &Context, key: &str| context.baggage().get(key).map(|value| value.as_str().to_owned());
    assert_eq!(get(&usual, "correlation.id").as_deref(), Some("order-42"));
    assert_eq!((get(&usual, "theirs").as_deref(), get(&usual, "user.id")), (Some("1"), None));
    let all = Settings::default().with_baggage(["correlation.id", "user.id", "job.id", "app.tenant"]);
    let found = CorrelationContext::from_baggage(&sent.context_with(&theirs, &all), &all).unwrap();
    assert_eq!(found.attributes(), sent.attributes());
    let none = Settings::default().with_baggage([""; 0]);
    assert_eq!(get(&sent.context_with(&Context::new(), &none), "correlation.id"), None);
}

#[test]
fn hostile_baggage_is_refused_or_made_harmless() {
    let settings = Settings::default().with_baggage(["correlation.id", "user.id", "app.tenant", "not a key"]);
    let bad = Context::new().with_baggage([KeyValue::new("correlation.id", "a b")]);
    assert_eq!(CorrelationContext::from_baggage(&bad, &settings).unwrap().origin(), Origin::Replaced);
    let long = "é".repeat(1000);
    let odd = Context::new().with_baggage([
        KeyValue::new("correlation.id", "fine"),
        KeyValue::new("user.id", long),
        KeyValue::new("app.tenant", "a\r\nb"),
    ]);
    let found = CorrelationContext::from_baggage(&odd, &settings).unwrap();
    assert_eq!((found.user().map(str::len), found.get("app.tenant")), (Some(LONGEST_VALUE), Some("a  b")));
}

#[test]
fn a_workflow_goes_through_baggage_with_keys_of_its_own() {
    let workflow = Workflow::new("run-1").with_name("collect").with("app.shard", "7").unwrap();
    let sent = workflow.context(&Context::new().with_baggage([KeyValue::new("app.theirs", "x")]));
    assert_eq!(Workflow::from_baggage(&sent), Some(workflow.clone()));
    assert_eq!(Workflow::from_baggage(&Context::new()), None);
    workflow.in_scope(|| assert_eq!(Workflow::current(), Some(workflow.clone())));
    assert_eq!(Workflow::current(), None);
    assert!(Workflow::new("a").with("crypto.workflow_id", "b").is_err());
}

/// Texts that a stranger may send, from a small generator so that every run tries the same.
#[test]
fn whatever_a_header_holds_what_comes_of_it_breaks_nothing() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let settings = Settings::default().with_baggage(["correlation.id", "user.id"]);
    for _ in 0..20_000 {
        let text: String = (0..next(200)).map(|_| char::from_u32(next(0x250) as u32).unwrap_or('x')).collect();
        let headers = HashMap::from([("x-correlation-id".to_owned(), text.clone())]);
        let found = CorrelationContext::from_carrier(&headers, &settings).unwrap();
        assert!((1..=LONGEST_ID).contains(&found.id().len()) && found.id().bytes().all(|byte| byte.is_ascii_graphic()));
        let is_taken = found.origin() == Origin::Received;
        assert_eq!(is_taken, CorrelationContext::with_id(text.trim()).is_ok(), "{text:?}");
        let user = found.with_user(&text);
        assert!(user.user().is_none_or(|user| user.len() <= LONGEST_VALUE && !user.contains(char::is_control)));
        let mut out = HashMap::new();
        user.inject(&mut out, &settings);
        assert_eq!(out["x-correlation-id"], user.id());
    }
}
