//! Headers of strangers, in any number of wrong ways: nothing panics, what is read keeps to its bounds, and what is written
//! for it is of the format and says the same again.
//!
//! `cargo xtask fuzz headers --seconds 600` runs this on stable Rust. The seed is fixed, so what is found is found again.
//! `fuzz/` has the same for cargo-fuzz, which looks for new paths through the code by itself.

use super::{Carrier, Environment, Headers, Propagators};
use crate::config::Propagator;
use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::TraceContextExt;

/// Names that mean something, in the spellings that come, and one that does not.
const NAMES: [&str; 16] = [
    "traceparent",
    "tracestate",
    "baggage",
    "b3",
    "x-b3-traceid",
    "x-b3-spanid",
    "x-b3-sampled",
    "x-b3-flags",
    "uber-trace-id",
    "uberctx-key",
    "uberctx-Other",
    "TraceParent",
    "Tracestate",
    "BAGGAGE",
    "uberctx-",
    "x-other",
];

/// The most that all headers of one message are together: those of the formats, with 8,192 bytes of baggage in each of two.
const MOST_WRITTEN: usize = 4 * 8192;

/// Reads these bytes as headers: of each line the first byte is a name, and the rest the value.
pub fn headers(bytes: &[u8]) {
    let lines = bytes.split(|byte| *byte == b'\n').filter_map(|line| line.split_first());
    let list: Vec<(&str, &[u8])> =
        lines.map(|(name, value)| (NAMES[usize::from(*name) % NAMES.len()], value)).collect();
    for propagators in std::iter::once(Propagator::ALL.to_vec()).chain(Propagator::ALL.map(|one| vec![one])) {
        let propagators = Propagators::new(propagators);
        let read = |headers: &dyn Extractor| propagators.extract_with_context(&Context::new(), headers);
        let context = read(&Headers::of_bytes(list.iter().copied()));
        written_again(&propagators, &context);
        #[cfg(feature = "http")]
        same_of_http(&list, &context, read);
    }
    let variables = list.iter().map(|(name, value)| {
        (name.to_ascii_uppercase().replace('-', "_"), String::from_utf8_lossy(value).into_owned())
    });
    Environment::of(variables).read(&mut |headers| {
        let propagators = Propagators::new(Propagator::ALL);
        written_again(&propagators, &propagators.extract_with_context(&Context::new(), headers));
    });
}

/// What is written for a context is short, may stand in a header, and names the same span again.
fn written_again(propagators: &Propagators, context: &Context) {
    let span = context.span().span_context().clone();
    assert!(!span.is_valid() || span.is_remote());
    assert!(context.baggage().len() <= 128, "64 of each of two formats");
    let mut written: Vec<(String, String)> = Vec::new();
    propagators.inject_context(context, &mut Appended(&mut written));
    let length: usize = written.iter().map(|(name, value)| name.len() + value.len()).sum();
    assert!(length <= MOST_WRITTEN, "{length}");
    for (name, value) in &written {
        assert!(name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':'), "{name:?}");
        assert!(value.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{name}: {value:?}");
    }
    let headers = Headers::new(written.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let again = propagators.extract_with_context(&Context::new(), &headers);
    assert_eq!(again.span().span_context(), &span);
    for (key, (value, _)) in again.baggage() {
        assert_eq!(context.baggage().get(key), Some(value));
    }
}

/// Headers as they are written: a name twice would be a finding.
struct Appended<'a>(&'a mut Vec<(String, String)>);

impl opentelemetry::propagation::Injector for Appended<'_> {
    fn set(&mut self, name: &str, value: String) {
        assert!(self.0.iter().all(|(known, _)| known != name), "{name}");
        self.0.push((name.to_owned(), value));
    }
}

/// Headers of the `http` crate say the same as a list.
#[cfg(feature = "http")]
fn same_of_http(list: &[(&str, &[u8])], expected: &Context, read: impl Fn(&dyn Extractor) -> Context) {
    let mut map = http::HeaderMap::new();
    for (name, value) in list {
        let Ok(value) = http::HeaderValue::from_bytes(value) else { return };
        map.append(http::HeaderName::from_bytes(name.as_bytes()).expect("names of ours"), value);
    }
    let found = read(&super::HeaderCarrier::new(&map));
    assert_eq!(found.span().span_context(), expected.span().span_context());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::fuzzing::{self, Random};

    /// What headers are made of; each is dangerous somewhere.
    const PIECES: [&[u8]; 40] = [
        b"\n\0",
        b"\n\x01",
        b"\n\x02",
        b"\n\x03",
        b"\n\x09",
        b"\n\x08",
        b"00-80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-01",
        b"cc-80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-03-more",
        b"80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1-05e3ac9a4f6e3b90",
        b"80f198ee56343ba864fe8b2a57d3eff7:e457b5a2e4d86bd1:0:1",
        b"80f198ee56343ba864fe8b2a57d3eff7",
        b"e457b5a2e4d86bd1",
        b"0000000000000000",
        b"foo=1,bar=2",
        b"foo@@bar=1",
        b"tttttttttttttttttt@vvvvvvvvvvvvvvvvvvvvvvvv=1",
        b"key=value;property;other=1",
        b",",
        b"=",
        b";",
        b"-",
        b":",
        b"@",
        b"%",
        b"%3A",
        b"%2C",
        b"%ff",
        b"%00",
        b"%0A",
        b"+",
        b" ",
        b"\t",
        b"\"",
        b"\\",
        b"\r",
        b"\0",
        b"\xff",
        "\u{fffd}".as_bytes(),
        "ä€😀".as_bytes(),
        b"d",
    ];

    fn made(random: Random<'_>) -> Vec<u8> {
        let mut bytes = vec![random(256) as u8];
        for _ in 0..=random(24) {
            match random(10) {
                0 => bytes.push(random(256) as u8),
                1 => bytes.extend(PIECES[random(PIECES.len())].repeat(1 << random(10))),
                2 | 3 => bytes.extend([b'\n', random(NAMES.len()) as u8]),
                _ => bytes.extend(PIECES[random(PIECES.len())]),
            }
        }
        for _ in 0..random(3) {
            let at = random(bytes.len());
            bytes[at] = random(256) as u8;
        }
        bytes
    }

    #[test]
    fn broken_headers_neither_panic_nor_grow() {
        fuzzing::few(3000, made, headers);
    }

    #[test]
    #[ignore = "runs as long as `cargo xtask fuzz headers` says"]
    fn for_a_while() {
        fuzzing::for_a_while(made, headers);
    }
}
