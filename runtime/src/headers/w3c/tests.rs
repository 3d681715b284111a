use super::*;
use crate::headers::Headers;
use opentelemetry::trace::TraceState;
use std::collections::HashMap;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

/// Trace, span and flags, as they are written again.
fn read(text: &str) -> Option<String> {
    let span = span_of(text)?;
    assert!(span.is_remote() && span.is_valid());
    Some(format!("{}-{}-{:02x}", span.trace_id(), span.span_id(), span.trace_flags().to_u8()))
}

#[test]
fn a_traceparent_is_read_to_the_letter() {
    let expected = |flags: &str| Some(format!("{TRACE}-{SPAN}-{flags}"));
    for (text, flags) in [
        (format!("00-{TRACE}-{SPAN}-00"), "00"),
        (format!("00-{TRACE}-{SPAN}-01"), "01"),
        (format!("00-{TRACE}-{SPAN}-02"), "02"),
        (format!("00-{TRACE}-{SPAN}-03"), "03"),
        (format!("00-{TRACE}-{SPAN}-ff"), "03"),
        (format!("00-{TRACE}-{SPAN}-08"), "00"),
        (format!(" \t00-{TRACE}-{SPAN}-01\t "), "01"),
        (format!("01-{TRACE}-{SPAN}-01"), "01"),
        (format!("cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like"), "01"),
        (format!("fe-{TRACE}-{SPAN}-01-"), "01"),
    ] {
        assert_eq!(read(&text), expected(flags), "{text}");
    }
}

#[test]
fn what_is_not_of_the_format_names_no_parent() {
    let (long, spaces) = ("0".repeat(100_000), " ".repeat(100_000));
    let later = format!("cc-{TRACE}-{SPAN}-01-{long}");
    for text in [
        "",
        "-",
        "---",
        "00",
        "é-é-é-é",
        "0-1-2-3",
        &format!("00-{TRACE}-{SPAN}"),
        &format!("00-{TRACE}-{SPAN}-"),
        &format!("00-{TRACE}-{SPAN}-1"),
        &format!("00-{TRACE}-{SPAN}-+1"),
        &format!("00-{TRACE}-{SPAN}-0A"),
        &format!("00-{TRACE}-{SPAN}-011"),
        &format!("00-{TRACE}-{SPAN}-01-"),
        &format!("00-{TRACE}-{SPAN}-01-more"),
        &format!("00-{TRACE}-{SPAN}-01."),
        &format!("cc-{TRACE}-{SPAN}-01.more"),
        &format!("ff-{TRACE}-{SPAN}-01"),
        &format!("FE-{TRACE}-{SPAN}-01"),
        &format!("0-{TRACE}-{SPAN}-01"),
        &format!("000-{TRACE}-{SPAN}-01"),
        &format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
        &format!("00-{TRACE}-{}-01", SPAN.to_uppercase()),
        &format!("00-{}-{SPAN}-01", "0".repeat(32)),
        &format!("00-{TRACE}-{}-01", "0".repeat(16)),
        &format!("00-{TRACE}a-{SPAN}-01"),
        &format!("00-{TRACE}-{SPAN}a-01"),
        &format!("00-{TRACE} -{SPAN}-01"),
        &format!("00_{TRACE}-{SPAN}-01"),
        &format!("\u{a0}00-{TRACE}-{SPAN}-01"),
        &format!("\n00-{TRACE}-{SPAN}-01"),
        &long,
        &later,
        &spaces,
    ] {
        assert_eq!(read(text), None, "{text:.80}");
    }
}

#[test]
fn flags_are_written_as_they_are_without_those_that_nobody_knows() {
    for (flags, expected) in [(0, "00"), (1, "01"), (2, "02"), (3, "03"), (0xff, "03"), (0xfc, "00")] {
        let ids = (TraceId::from_hex(TRACE).unwrap(), SpanId::from_hex(SPAN).unwrap());
        let span = SpanContext::new(ids.0, ids.1, TraceFlags::new(flags), true, TraceState::NONE);
        let mut headers = HashMap::new();
        inject(&Context::new().with_remote_span_context(span), &mut headers);
        assert_eq!(headers["traceparent"], format!("00-{TRACE}-{SPAN}-{expected}"));
        assert_eq!(headers.len(), 1, "an empty list is not written");
    }
    let mut headers: HashMap<String, String> = HashMap::new();
    inject(&Context::new(), &mut headers);
    assert!(headers.is_empty());
}

#[test]
fn a_tracestate_without_a_parent_is_nothing() {
    assert!(extract(&Headers::new([("tracestate", "a=1")])).is_none());
    assert!(extract(&Headers::new([("traceparent", "nonsense"), ("tracestate", "a=1")])).is_none());
}
