use super::*;
use crate::headers::Headers;
use crate::headers::w3c::{TRACEPARENT, extract, inject};
use opentelemetry::trace::{TraceContextExt, TraceFlags};
use std::collections::HashMap;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn read_into_context(lists: &[&str]) -> Context {
    let lists = lists.iter().map(|list| (TRACESTATE, *list));
    let headers = Headers::new([(TRACEPARENT, PARENT)].into_iter().chain(lists));
    extract(&headers).expect("the parent counts whatever its list is").into_context(&Context::new())
}

fn sent(context: &Context) -> Option<String> {
    let mut headers = HashMap::new();
    inject(context, &mut headers);
    assert!(headers.contains_key(TRACEPARENT));
    headers.remove(TRACESTATE)
}

/// What goes out when this came in.
fn through(lists: &[&str]) -> Option<String> {
    sent(&read_into_context(lists))
}

#[test]
fn a_list_goes_through_as_it_came() {
    let key = "abcdefghijklmnopqrstuvwxyz0123456789_-*/";
    let value: String = (' '..='~').filter(|letter| !",=".contains(*letter)).collect();
    let many: Vec<_> = (1..=32).map(|number| format!("bar{number:02}={number}")).collect();
    for list in [
        "foo=1,bar=2".to_owned(),
        "foo= with spaces in front".to_owned(),
        "0=1".to_owned(),
        format!("{key}={value}"),
        format!("{key}@a-z0-9_-*/={value}"),
        "foo@=1,bar=2".to_owned(),
        "foo@@bar=1,bar=2".to_owned(),
        "a=0,foo@bar@baz=1,bar=2".to_owned(),
        format!("foo=1,{}@{}=1", "t".repeat(241), "v".repeat(14)),
        format!("foo=1,{}@v=1", "t".repeat(242)),
        format!("foo=1,t@{}=1", "v".repeat(15)),
        format!("{}={}", "z".repeat(256), "v".repeat(256)),
        many.join(","),
    ] {
        assert_eq!(through(&[&list]).as_deref(), Some(list.as_str()));
    }
}

#[test]
fn lists_in_parts_are_one_and_white_space_and_empty_members_are_nothing() {
    assert_eq!(through(&["foo=1,bar=2", "rojo=1,congo=2", "baz=3"]).unwrap(), "foo=1,bar=2,rojo=1,congo=2,baz=3");
    assert_eq!(through(&["foo=1 \t , \t bar=2, \t baz=3"]).unwrap(), "foo=1,bar=2,baz=3");
    assert_eq!(through(&["", "foo=1", " \t", ",,,", "bar=2,"]).unwrap(), "foo=1,bar=2");
    for nothing in ["", ",", " \t ", " , ,\t"] {
        assert_eq!(through(&[nothing]), None, "{nothing:?}");
    }
}

#[test]
fn of_two_members_with_one_key_the_first_counts() {
    assert_eq!(through(&["foo=1,foo=1"]).unwrap(), "foo=1");
    assert_eq!(through(&["foo=1,bar=2", "foo=3"]).unwrap(), "foo=1,bar=2");
}

#[test]
fn a_broken_list_is_dropped_whole() {
    let many: Vec<_> = (1..=33).map(|number| format!("bar{number:02}={number}")).collect();
    let same = vec!["a=1"; 33];
    let (long_key, long_value) = (format!("{}=1", "z".repeat(257)), format!("a={}", "v".repeat(257)));
    for list in [
        "foo =1",
        "FOO=1",
        "foo.bar=1",
        "@foo=1,bar=2",
        "_foo=1",
        "=1",
        "foo",
        "foo=",
        "foo=,bar=3",
        "foo=bar=baz",
        "foo=ä",
        "foo=a\u{7f}",
        "foo=a\tb",
        "ö=1",
        "a=1,b=\u{fffd}",
        &many.join(","),
        &same.join(","),
        &long_key,
        &long_value,
    ] {
        assert_eq!(through(&["before=1", list]), None, "{list:.80}");
    }
}

#[test]
fn a_list_that_is_too_long_loses_large_members_first_and_then_its_end() {
    let (small, large) = ("s".repeat(100), "l".repeat(256));
    let members: Vec<_> =
        (0..32).map(|number| format!("key{number:02}={}", if number % 4 == 0 { &large } else { &small })).collect();
    let list = through(&[&members.join(",")]).expect("most of it fits");
    assert!((512..=LONGEST).contains(&list.len()), "{}", list.len());
    let kept: Vec<_> = list.split(',').map(|member| member[3..5].parse::<usize>().unwrap()).collect();
    assert!(kept.windows(2).all(|pair| pair[0] < pair[1]), "{kept:?}");
    assert!((1..4).all(|number| kept.contains(&number)) && kept.contains(&0), "{kept:?}");
    assert!(!kept.contains(&28), "the last of the large ones goes first: {kept:?}");
    let all_large: Vec<_> = (0..32).map(|number| format!("key{number:02}={large}")).collect();
    let list = through(&[&all_large.join(",")]).expect("some of it fits");
    assert_eq!(list, all_large[..15].join(","));
}

#[test]
fn oversized_headers_are_dropped_and_cost_no_more_than_their_length() {
    let (commas, spaces) = (",".repeat(1_000_000), format!("a=1{}", " ".repeat(1_000_000)));
    for list in [&commas, &spaces, &"a=1,".repeat(250_000)] {
        assert_eq!(through(&[list]), None);
    }
    let parts: Vec<&str> = vec!["a=1"; 50_000];
    assert_eq!(through(&parts), None);
}

#[test]
fn what_samplers_change_goes_out_with_what_opentelemetry_cannot_hold() {
    let context = read_into_context(&["ot=th:8,foo@@bar=1,x=2"]);
    let span = context.span().span_context().clone();
    assert_eq!(span.trace_state().header(), "ot=th:8,x=2", "what the type can hold is there for samplers");
    let with = |state: TraceState| {
        let ids = (span.trace_id(), span.span_id(), span.trace_flags());
        context.with_remote_span_context(SpanContext::new(ids.0, ids.1, ids.2, false, state))
    };
    assert_eq!(sent(&with(span.trace_state().clone())).unwrap(), "ot=th:8,foo@@bar=1,x=2");
    let changed = span.trace_state().insert("ot", "th:c").unwrap();
    assert_eq!(sent(&with(changed)).unwrap(), "ot=th:c,foo@@bar=1,x=2");
    let removed = span.trace_state().delete("ot").unwrap();
    assert_eq!(sent(&with(removed)).unwrap(), "foo@@bar=1,x=2");
    // Another trace in the same context has nothing of it.
    let other = SpanContext::new(TraceId::from(7), span.span_id(), span.trace_flags(), false, TraceState::NONE);
    assert_eq!(sent(&context.with_remote_span_context(other)), None);
}

#[test]
fn what_a_program_has_put_into_the_list_is_written_only_if_it_may_be() {
    let state =
        TraceState::from_key_value([("a", "x\r\ny: z"), ("b", ""), ("c", "ä"), ("d", "1 "), ("e", "1")]).unwrap();
    let span = SpanContext::new(TraceId::from(7), 7.into(), TraceFlags::SAMPLED, false, state);
    assert_eq!(sent(&Context::new().with_remote_span_context(span)).as_deref(), Some("e=1"));
}
