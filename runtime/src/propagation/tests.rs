use super::*;
use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use std::collections::{BTreeMap, HashMap};

const TRACE: &str = "80f198ee56343ba864fe8b2a57d3eff7";
const SPAN: &str = "e457b5a2e4d86bd1";

fn headers<K: AsRef<str>, V: AsRef<str>>(list: &[(K, V)]) -> HashMap<String, String> {
    list.iter().map(|(name, value)| (name.as_ref().to_lowercase(), value.as_ref().to_owned())).collect()
}

fn read(propagators: &[Propagator], list: &[(&str, &str)]) -> Context {
    Propagators::new(propagators.iter().copied()).extract_with_context(&Context::new(), &headers(list))
}

/// Trace, span and flags of the span that was read.
fn found(propagators: &[Propagator], list: &[(&str, &str)]) -> Option<String> {
    let context = read(propagators, list);
    let span = context.span().span_context().clone();
    assert!(!span.is_valid() || span.is_remote());
    let debug = if Debug::is_in(&context) { " debug" } else { "" };
    span.is_valid().then(|| {
        format!("{} {} {}{debug}", span.trace_id(), span.span_id(), if span.is_sampled() { "sampled" } else { "not" })
    })
}

fn written(propagators: &[Propagator], context: &Context) -> BTreeMap<String, String> {
    let mut headers = HashMap::new();
    Propagators::new(propagators.iter().copied()).inject_context(context, &mut headers);
    headers.into_iter().collect()
}

fn context(trace: &str, span: &str, is_sampled: bool) -> Context {
    let flags = TraceFlags::default().with_sampled(is_sampled);
    let ids = (TraceId::from_hex(trace).unwrap(), SpanId::from_hex(span).unwrap());
    Context::new().with_remote_span_context(SpanContext::new(ids.0, ids.1, flags, true, TraceState::NONE))
}

fn map<const N: usize>(list: [(&str, &str); N]) -> BTreeMap<String, String> {
    list.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn one_header_of_b3_names_a_span() {
    let upper = format!("{}-{}-1", TRACE.to_uppercase(), SPAN.to_uppercase());
    let spaces = format!("  {TRACE}-{SPAN}-1\t");
    for (header, expected) in [
        (format!("{TRACE}-{SPAN}-1-05e3ac9a4f6e3b90"), "sampled"),
        (format!("{TRACE}-{SPAN}-1"), "sampled"),
        (format!("{TRACE}-{SPAN}-true"), "sampled"),
        (format!("{TRACE}-{SPAN}-TRUE"), "sampled"),
        (upper, "sampled"),
        (spaces, "sampled"),
        (format!("{TRACE}-{SPAN}-0"), "not"),
        (format!("{TRACE}-{SPAN}-False"), "not"),
        (format!("{TRACE}-{SPAN}"), "not"),
        (format!("{TRACE}-{SPAN}-d"), "sampled debug"),
        (format!("{TRACE}-{SPAN}-D-05e3ac9a4f6e3b90"), "sampled debug"),
    ] {
        let expected = format!("{TRACE} {SPAN} {expected}");
        assert_eq!(found(&[Propagator::B3], &[("b3", &header)]), Some(expected), "{header}");
    }
}

#[test]
fn short_trace_ids_are_filled_with_zeros_in_front() {
    let expected = format!("0000000000000000{} {SPAN} sampled", &TRACE[16..]);
    let short = &TRACE[16..];
    for (propagator, list) in [
        (Propagator::B3, vec![("b3", format!("{short}-{SPAN}-1"))]),
        (
            Propagator::B3Multi,
            vec![
                ("X-B3-TraceId", short.to_owned()),
                ("X-B3-SpanId", SPAN.to_owned()),
                ("X-B3-Sampled", "1".to_owned()),
            ],
        ),
        (Propagator::Jaeger, vec![("uber-trace-id", format!("{short}:{SPAN}:0:1"))]),
    ] {
        let list: Vec<_> = list.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(found(&[propagator], &list).as_ref(), Some(&expected), "{propagator:?}");
    }
    let jaeger = format!("{}:{}:{}:{}", "5f", "a1", "", "01");
    let expected = "0000000000000000000000000000005f 00000000000000a1 sampled".to_owned();
    assert_eq!(found(&[Propagator::Jaeger], &[("uber-trace-id", &jaeger)]), Some(expected));
}

#[test]
fn several_headers_of_b3_name_a_span() {
    for (more, expected) in [
        (vec![("X-B3-Sampled", "1")], "sampled"),
        (vec![("X-B3-Sampled", "true"), ("X-B3-ParentSpanId", "05e3ac9a4f6e3b90")], "sampled"),
        (vec![("X-B3-Sampled", "0")], "not"),
        (vec![("X-B3-Sampled", "d")], "sampled debug"),
        (vec![], "not"),
        (vec![("X-B3-Flags", "1")], "sampled debug"),
        (vec![("X-B3-Flags", "1"), ("X-B3-Sampled", "0")], "sampled debug"),
        (vec![("X-B3-Flags", "0"), ("X-B3-Sampled", "1")], "sampled"),
    ] {
        let list = [vec![("X-B3-TraceId", TRACE), ("X-B3-SpanId", SPAN)], more].concat();
        assert_eq!(found(&[Propagator::B3Multi], &list), Some(format!("{TRACE} {SPAN} {expected}")), "{list:?}");
        // Whichever form is configured, both are read.
        assert_eq!(found(&[Propagator::B3], &list), Some(format!("{TRACE} {SPAN} {expected}")), "{list:?}");
    }
}

#[test]
fn of_both_forms_of_b3_the_one_header_counts_unless_it_names_no_span() {
    let several = [("x-b3-traceid", TRACE), ("x-b3-spanid", SPAN), ("x-b3-sampled", "1")];
    let one = "0000000000000000000000000000abcd-000000000000ef01-0";
    let found = |one: &str| found(&[Propagator::B3Multi], &[several.as_slice(), &[("b3", one)]].concat()).unwrap();
    assert_eq!(found(one), "0000000000000000000000000000abcd 000000000000ef01 not");
    assert_eq!(found("nonsense"), format!("{TRACE} {SPAN} sampled"));
}

#[test]
fn carriers_that_know_case_have_the_documented_names() {
    struct Exactly(Vec<(&'static str, String)>);
    impl Extractor for Exactly {
        fn get(&self, name: &str) -> Option<&str> {
            self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
        }
        fn keys(&self) -> Vec<&str> {
            self.0.iter().map(|(name, _)| *name).collect()
        }
    }
    let headers = Exactly(vec![("X-B3-TraceId", TRACE.to_owned()), ("X-B3-SpanId", SPAN.to_owned())]);
    let context = Propagators::new([Propagator::B3Multi]).extract_with_context(&Context::new(), &headers);
    assert_eq!(context.span().span_context().span_id().to_string(), SPAN);
}

#[test]
fn headers_of_jaeger_name_a_span() {
    for (header, expected) in [
        (format!("{TRACE}:{SPAN}:0:1"), "sampled"),
        (format!("{TRACE}:{SPAN}:05e3ac9a4f6e3b90:01"), "sampled"),
        (format!("{TRACE}%3A{SPAN}%3a0%3A1"), "sampled"),
        (format!("{TRACE}:{SPAN}::0"), "not"),
        (format!("{TRACE}:{SPAN}:0:8"), "not"),
        (format!("{TRACE}:{SPAN}:0:9"), "sampled"),
        (format!("{TRACE}:{SPAN}:0:3"), "sampled debug"),
        (format!("{TRACE}:{SPAN}:0:2"), "not"),
    ] {
        let expected = format!("{TRACE} {SPAN} {expected}");
        assert_eq!(found(&[Propagator::Jaeger], &[("uber-trace-id", &header)]), Some(expected), "{header}");
    }
}

#[test]
fn hostile_headers_name_no_span() {
    let all = Propagator::ALL;
    let (long, dashes, colons) = ("0".repeat(1_000_000), "-".repeat(1_000_000), ":".repeat(1_000_000));
    let zeros = ("0".repeat(32), "0".repeat(16));
    let mut texts: Vec<String> = [
        "",
        "-",
        "--",
        "---",
        ":",
        "::",
        ":::",
        "::::",
        "0",
        "1",
        "d",
        "0-1-2-3",
        "0:0:0:0",
        "\0",
        "é-é-é-é",
        "é:é:é:é",
        "%",
        "%3",
        "%3a%3A%3a",
        "%ff%ff",
        &long,
        &dashes,
        &colons,
    ]
    .map(str::to_owned)
    .into();
    for (separator, first, last) in [('-', "", "1"), (':', ":0", "1")] {
        let s = separator;
        let (full, short) = (TRACE, &TRACE[1..]);
        texts.extend([
            format!("{}{s}{SPAN}{first}{s}{last}", zeros.0),
            format!("{full}{s}{}{first}{s}{last}", zeros.1),
            format!("{full}0{s}{SPAN}{first}{s}{last}"),
            format!("+{short}{s}{SPAN}{first}{s}{last}"),
            format!("-{short}{s}{SPAN}{first}{s}{last}"),
            format!("{short}g{s}{SPAN}{first}{s}{last}"),
            format!("{full}{s}{SPAN}0{first}{s}{last}"),
            format!("{full}{s}+{}{first}{s}{last}", &SPAN[1..]),
            format!("{full}{s}{SPAN}{first}{s}x"),
            format!("{full}{s}{SPAN}{first}{s}"),
            format!("{full}{s}{SPAN}{first}{s}+1"),
            format!("{full}{s}{SPAN}{first}{s}100"),
            format!("{full}{s}{SPAN}{first}{s}1{s}nonsense"),
            format!("{full}{s}{SPAN}{first}{s}1{s}05e3ac9a4f6e3b90{s}"),
            format!("{full} {s}{SPAN}{first}{s}1"),
            format!("{full}{s}"),
            full.to_owned(),
        ]);
    }
    for text in &texts {
        for name in ["traceparent", "b3", "uber-trace-id", "x-b3-traceid", "x-b3-spanid"] {
            assert_eq!(found(&all, &[(name, text)]), None, "{name}: {text:.80}");
        }
        if text != TRACE {
            assert_eq!(found(&all, &[("x-b3-traceid", text), ("x-b3-spanid", SPAN)]), None, "{text:.80}");
        }
        assert_eq!(found(&all, &[("x-b3-traceid", TRACE), ("x-b3-spanid", text)]), None, "{text:.80}");
    }
    for decision in ["2", "x", "yes", "-1", &long] {
        let several = [("x-b3-traceid", TRACE), ("x-b3-spanid", SPAN), ("x-b3-sampled", decision)];
        assert_eq!(found(&all, &several).is_some(), decision.len() > 100, "{decision:.80}");
    }
}

#[test]
fn what_is_written_is_exact() {
    let sampled = context(TRACE, SPAN, true);
    let not = context("000000000000000000000000000000ab", "00000000000000cd", false);
    assert_eq!(written(&[Propagator::B3], &sampled), map([("b3", &format!("{TRACE}-{SPAN}-1"))]));
    assert_eq!(written(&[Propagator::B3], &not), map([("b3", "000000000000000000000000000000ab-00000000000000cd-0")]));
    assert_eq!(
        written(&[Propagator::B3Multi], &sampled),
        map([("x-b3-traceid", TRACE), ("x-b3-spanid", SPAN), ("x-b3-sampled", "1")])
    );
    assert_eq!(written(&[Propagator::B3Multi], &not)["x-b3-sampled"], "0");
    assert_eq!(written(&[Propagator::Jaeger], &sampled), map([("uber-trace-id", &format!("{TRACE}:{SPAN}:0:1"))]));
    assert_eq!(
        written(&[Propagator::Jaeger], &not),
        map([("uber-trace-id", "000000000000000000000000000000ab:00000000000000cd:0:0")])
    );
    assert_eq!(written(&Propagator::ALL, &Context::new()), map([]));
}

#[test]
fn the_flag_for_debugging_goes_on_with_its_trace_only() {
    let context = read(&Propagator::ALL, &[("b3", &format!("{TRACE}-{SPAN}-d"))]);
    let child = |trace: &str| {
        let ids = (TraceId::from_hex(trace).unwrap(), SpanId::from(7));
        context.with_remote_span_context(SpanContext::new(ids.0, ids.1, TraceFlags::SAMPLED, false, TraceState::NONE))
    };
    let same = written(&Propagator::ALL, &child(TRACE));
    assert_eq!(same["b3"], format!("{TRACE}-0000000000000007-d"));
    assert_eq!((same.get("x-b3-flags").map(String::as_str), same.get("x-b3-sampled")), (Some("1"), None));
    assert_eq!(same["uber-trace-id"], format!("{TRACE}:0000000000000007:0:3"));
    let other = written(&Propagator::ALL, &child("000000000000000000000000000000ab"));
    assert!(other["b3"].ends_with("-1") && other["uber-trace-id"].ends_with(":1"), "{other:?}");
    assert_eq!(other["x-b3-sampled"], "1");
}

#[test]
fn baggage_of_jaeger_survives_the_way() {
    let sent = Context::new().with_baggage([
        KeyValue::new("user", "ä b+c,=;%"),
        KeyValue::new("empty", ""),
        KeyValue::new("not a name", "x"),
    ]);
    let headers = written(&[Propagator::Jaeger], &sent);
    assert_eq!(headers, map([("uberctx-user", "%C3%A4%20b%2Bc%2C%3D%3B%25"), ("uberctx-empty", "")]));
    let list: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let context = read(&[Propagator::Jaeger], &list);
    assert_eq!(context.baggage().get("user").map(|value| value.as_str()), Some("ä b+c,=;%"));
    assert_eq!(context.baggage().get("empty").map(|value| value.as_str()), Some(""));
    let context = read(&[Propagator::Jaeger], &[("Uberctx-a", "x+y"), ("uberctx-", "z"), ("uberctx-b", "%")]);
    assert_eq!(context.baggage().get("a").map(|value| value.as_str()), Some("x y"));
    assert_eq!(context.baggage().len(), 1);
}

#[test]
fn baggage_is_bounded_in_both_directions() {
    let many: Vec<_> = (0..1000).map(|number| (format!("uberctx-key{number}"), "value".to_owned())).collect();
    let large: Vec<_> = (0..100).map(|number| (format!("uberctx-key{number}"), "x".repeat(1000))).collect();
    let huge = vec![("uberctx-key".to_owned(), "x".repeat(10_000_000)), ("uberctx-small".to_owned(), "y".to_owned())];
    for (list, expected) in [(many, 64), (large, 8), (huge, 1)] {
        let context = Propagators::new([Propagator::Jaeger]).extract_with_context(&Context::new(), &headers(&list));
        assert_eq!(context.baggage().len(), expected);
    }
    // Every byte of a value may take three in a header.
    let sent =
        Context::new().with_baggage((0..60).map(|number| KeyValue::new(format!("key{number}"), " ".repeat(100))));
    let headers = written(&[Propagator::Jaeger], &sent);
    let length: usize = headers.iter().map(|(name, value)| name.len() - "uberctx-".len() + value.len()).sum();
    assert!(!headers.is_empty() && length <= 8192, "{length}");
}

#[test]
fn the_first_that_finds_a_span_wins_and_baggage_is_put_together() {
    use Propagator::{B3, Baggage, Jaeger, TraceContext};
    let traceparent = format!("00-{TRACE}-{SPAN}-01");
    let list = [
        ("traceparent", traceparent.as_str()),
        ("b3", "0000000000000000000000000000000b-000000000000000b-1"),
        ("uber-trace-id", "c:c:0:1"),
        ("baggage", "one=1,both=w3c;property"),
        ("uberctx-both", "jaeger"),
        ("uberctx-two", "2"),
    ];
    let first = |order: &[Propagator]| found(order, &list).map(|found| found[31..32].to_owned());
    assert_eq!(first(&[TraceContext, B3, Jaeger]).as_deref(), Some("7"));
    assert_eq!(first(&[Baggage, B3, Jaeger, TraceContext]).as_deref(), Some("b"));
    assert_eq!(first(&[Jaeger, TraceContext, B3]).as_deref(), Some("c"));
    assert_eq!(first(&[Baggage]), None);
    assert_eq!(first(&[]), None);
    for (order, both) in [([Baggage, Jaeger], "w3c"), ([Jaeger, Baggage], "jaeger")] {
        let context = read(&order, &list);
        let get = |key: &str| context.baggage().get(key).map(|value| value.as_str().to_owned());
        assert_eq!((get("one").as_deref(), get("two").as_deref()), (Some("1"), Some("2")));
        assert_eq!(get("both").as_deref(), Some(both));
    }
    // The next one counts where the first finds nothing that is valid.
    let list = [("traceparent", "00-0-0-01"), ("b3", "0000000000000000000000000000000b-000000000000000b-1")];
    assert!(found(&[TraceContext, B3], &list).is_some());
}

#[test]
fn headers_without_anything_leave_the_context_as_it_is() {
    let before = context(TRACE, SPAN, true).with_baggage([KeyValue::new("kept", "yes")]);
    let after = Propagators::new(Propagator::ALL).extract_with_context(&before, &headers(&[("b3", "0")]));
    assert_eq!(after.span().span_context(), before.span().span_context());
    assert_eq!(after.baggage().get("kept").map(|value| value.as_str()), Some("yes"));
}

#[test]
fn all_together_write_all_headers_and_say_which() {
    let sent = context(TRACE, SPAN, true).with_baggage([KeyValue::new("key", "value")]);
    let all = Propagators::new(Propagator::ALL.into_iter().chain(Propagator::ALL));
    let headers = written(&Propagator::ALL, &sent);
    let names: Vec<_> = headers.keys().map(String::as_str).collect();
    let expected =
        ["b3", "baggage", "traceparent", "uber-trace-id", "uberctx-key", "x-b3-sampled", "x-b3-spanid", "x-b3-traceid"];
    assert_eq!(names, expected);
    let mut fields: Vec<_> = all.fields().collect();
    fields.sort_unstable();
    assert!(names.iter().all(|name| fields.contains(name) || *name == "uberctx-key"), "{fields:?}");
    assert!(fields.windows(2).all(|pair| pair[0] != pair[1]), "{fields:?}");
    // Each alone reads what all have written.
    for propagator in Propagator::ALL {
        let list: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let found = found(&[propagator], &list);
        assert_eq!(found.is_some(), propagator != Propagator::Baggage, "{propagator:?}");
    }
}

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

#[test]
fn every_span_survives_the_way_in_every_format() {
    let mut random = Random(6);
    for _ in 0..2000 {
        // Some of them small, so that there are leading zeros.
        let trace = u128::from(random.next()) << 64 >> random.below(64) | u128::from(random.next() | 1);
        let span = (random.next() | 1) >> random.below(63) | 1;
        let sent = context(&format!("{trace:032x}"), &format!("{span:016x}"), random.below(2) == 0);
        for propagator in [Propagator::TraceContext, Propagator::B3, Propagator::B3Multi, Propagator::Jaeger] {
            let headers: HashMap<_, _> = written(&[propagator], &sent).into_iter().collect();
            let got = Propagators::new([propagator]).extract_with_context(&Context::new(), &headers);
            assert_eq!(got.span().span_context(), sent.span().span_context(), "{propagator:?}");
        }
    }
}

#[test]
fn broken_headers_never_panic_and_name_only_spans_that_can_be_written_again() {
    const PIECES: [&str; 16] =
        ["-", ":", "%", "%3A", "0", "f", "F", "d", "1", "+", " ", "é", "\0", "=", ",", "00000000000000000"];
    let mut random = Random(7);
    let mut spans = 0;
    for _ in 0..20_000 {
        let mut texts = [
            format!("00-{TRACE}-{SPAN}-01"),
            format!("{TRACE}-{SPAN}-1-{SPAN}"),
            format!("{TRACE}:{SPAN}:0:1"),
            TRACE.to_owned(),
            SPAN.to_owned(),
            "1".to_owned(),
            "a=b,c=d;e".to_owned(),
        ];
        for text in &mut texts {
            for _ in 0..random.below(4) {
                let mut at = random.below(text.len() + 1);
                while !text.is_char_boundary(at) {
                    at -= 1;
                }
                match random.below(3) {
                    0 => text.truncate(at),
                    1 => text.insert_str(at, PIECES[random.below(PIECES.len())]),
                    _ => _ = text.pop(),
                }
            }
        }
        let names = ["traceparent", "b3", "uber-trace-id", "x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "uberctx-k"];
        let list: Vec<_> = names.into_iter().zip(&texts).filter(|_| random.below(3) > 0).collect();
        let list: Vec<_> = list.iter().map(|(name, text)| (*name, text.as_str())).collect();
        for propagator in Propagator::ALL {
            let context = read(&[propagator], &list);
            let span = context.span().span_context().clone();
            if span.is_valid() {
                spans += 1;
                let headers: HashMap<_, _> = written(&[propagator], &context).into_iter().collect();
                let again = Propagators::new([propagator]).extract_with_context(&Context::new(), &headers);
                assert_eq!(again.span().span_context(), &span, "{propagator:?} {list:?}");
            }
        }
    }
    assert!(spans > 10_000, "most headers must not be too broken to say anything: {spans}");
}
