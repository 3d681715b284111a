use super::*;
use std::collections::HashMap;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn get(headers: &[(&str, &str)], name: &str) -> Option<String> {
    Headers::new(headers.iter().copied()).get(name).map(str::to_owned)
}

#[test]
fn names_have_no_case() {
    assert_eq!(get(&[("TraceParent", PARENT)], "traceparent").as_deref(), Some(PARENT));
    assert_eq!(get(&[("b3", "1")], "B3").as_deref(), Some("1"));
    assert_eq!(get(&[], "traceparent"), None);
}

#[test]
fn lists_are_put_together_and_two_parents_are_none() {
    let headers = [("tracestate", "a=1"), ("x", "y"), ("Tracestate", "b=2"), ("traceparent", PARENT)];
    assert_eq!(get(&headers, "tracestate").as_deref(), Some("a=1,b=2"));
    assert_eq!(get(&headers, "traceparent").as_deref(), Some(PARENT));
    assert_eq!(get(&[("traceparent", PARENT), ("TRACEPARENT", PARENT)], "traceparent"), None);
    assert_eq!(get(&[("x", "1"), ("X", "2")], "x").as_deref(), Some("1"));
    let headers = Headers::new(headers);
    assert_eq!(headers.get_all("TRACESTATE"), Some(vec!["a=1", "b=2"]));
    assert_eq!(headers.get_all("baggage"), None);
    assert_eq!(headers.keys().len(), 4);
}

#[test]
fn a_value_that_is_no_text_is_there_and_broken() {
    let headers = [("traceparent", PARENT.as_bytes()), ("Traceparent", b"\xff"), ("baggage", b"\xc3")];
    let headers = Headers::of_bytes(headers);
    assert_eq!(headers.get("traceparent"), None, "nobody knows whether the second is the right one");
    assert_eq!(headers.get("baggage"), Some(UNREADABLE));
    assert!(w3c::extract(&headers).is_none());
}

#[test]
fn a_list_in_more_parts_than_anybody_means_is_broken_and_not_cut() {
    let parts = vec![("tracestate", "key=value"); 100_000];
    let headers = Headers::new(parts);
    let list = headers.get("tracestate").expect("it is there");
    assert!(list.len() <= LONGEST_LIST + 4 && list.ends_with(UNREADABLE), "{}", list.len());
}

#[test]
fn values_stay_out_of_debug_output() {
    let text = format!("{:?}", Headers::new([("authorization", "secret")]));
    assert_eq!(text, r#"["authorization"]"#);
}

#[test]
fn carriers_of_others_are_looked_at_for_a_second_parent() {
    /// What knows nothing of tolerance: the first value, and all of them.
    struct Plain(HashMap<&'static str, Vec<&'static str>>);
    impl Extractor for Plain {
        fn get(&self, name: &str) -> Option<&str> {
            self.0.get(name)?.first().copied()
        }
        fn keys(&self) -> Vec<&str> {
            self.0.keys().copied().collect()
        }
        fn get_all(&self, name: &str) -> Option<Vec<&str>> {
            self.0.get(name).cloned()
        }
    }
    let one = Plain(HashMap::from([("traceparent", vec![PARENT]), ("tracestate", vec!["a=1", "", "b=2"])]));
    let found = w3c::extract(&one).expect("there is one parent");
    assert_eq!(found.span.trace_state().header(), "a=1,b=2");
    assert!(w3c::extract(&Plain(HashMap::from([("traceparent", vec![PARENT, PARENT])]))).is_none());
}

#[cfg(feature = "http")]
mod of_http {
    use super::*;
    use ::http::{HeaderMap, HeaderValue};

    fn map(list: &[(&'static str, &'static [u8])]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in list {
            map.append(*name, HeaderValue::from_bytes(value).expect("a value"));
        }
        map
    }

    #[test]
    fn all_values_of_a_header_are_seen() {
        let map = map(&[("tracestate", b"a=1"), ("x", b"y"), ("tracestate", b"b=2")]);
        let carrier = HeaderCarrier::new(&map);
        assert_eq!(carrier.get("TraceState"), Some("a=1,b=2"));
        assert_eq!(carrier.get_all("tracestate"), Some(vec!["a=1", "b=2"]));
        assert_eq!((carrier.get("none"), carrier.get("not a name"), carrier.keys().len()), (None, None, 2));
        assert_eq!(format!("{carrier:?}"), r#"["tracestate", "x"]"#);
    }

    #[test]
    fn bytes_make_a_header_broken_and_not_invisible() {
        let two = map(&[("traceparent", PARENT.as_bytes()), ("traceparent", b"\xff")]);
        assert!(w3c::extract(&HeaderCarrier::new(&two)).is_none());
        let state = map(&[("traceparent", PARENT.as_bytes()), ("tracestate", b"a=1"), ("tracestate", b"b=\xff")]);
        let found = w3c::extract(&HeaderCarrier::new(&state)).expect("the parent counts");
        assert_eq!(found.span.trace_state().header(), "", "of a broken list nothing counts");
    }
}
