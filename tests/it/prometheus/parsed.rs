//! A parser of Prometheus' text format, as strict as the format's description, and a client that does not know ours.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// What a server answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// Asks over a connection of its own.
pub(crate) fn ask(address: &str, request: &str) -> Answer {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer in UTF-8");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}

pub(crate) fn get(address: &str, path: &str) -> Answer {
    ask(address, &format!("GET {path} HTTP/1.1\r\nhost: test\r\naccept: text/plain\r\n\r\n"))
}

#[derive(Debug, Default)]
pub(crate) struct Parsed {
    pub(crate) types: BTreeMap<String, String>,
    pub(crate) helps: BTreeMap<String, String>,
    /// By name and labels.
    pub(crate) samples: BTreeMap<(String, BTreeMap<String, String>), f64>,
}

impl Parsed {
    pub(crate) fn of(text: &str) -> Self {
        let mut parsed = Self::default();
        let mut seen = BTreeSet::new();
        let mut family = String::new();
        assert!(text.is_empty() || text.ends_with('\n'));
        for line in text.split_terminator('\n') {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = name(rest);
                assert!(parsed.helps.insert(name, help.trim_start().to_owned()).is_none(), "{line}");
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = name(rest);
                assert!(seen.insert(name.clone()), "a family is in one piece: {line}");
                family.clone_from(&name);
                parsed.types.insert(name, kind.trim().to_owned());
            } else {
                let (name, labels, value) = sample(line);
                let suffix = name.strip_prefix(&family).unwrap_or_else(|| panic!("not of {family}: {line}"));
                let expected: &[&str] =
                    if parsed.types[&family] == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
                assert!(expected.contains(&suffix), "{line}");
                assert!(parsed.samples.insert((name, labels), value).is_none(), "twice: {line}");
            }
        }
        parsed
    }

    /// The value of the one sample of this name that has these labels, among others.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let has = |found: &BTreeMap<String, String>| {
            labels.iter().all(|(name, value)| found.get(*name).is_some_and(|found| found == value))
        };
        let mut found = self.samples.iter().filter(|((found, with), _)| found == name && has(with));
        let value = found.next().map(|(_, value)| *value);
        assert!(found.next().is_none(), "several {name} with {labels:?}");
        value
    }

    /// The labels of the one sample of this name.
    pub(crate) fn labels(&self, name: &str) -> BTreeMap<String, String> {
        let mut found = self.samples.keys().filter(|(found, _)| found == name);
        let labels = found.next().unwrap_or_else(|| panic!("no {name}")).1.clone();
        assert!(found.next().is_none(), "several {name}");
        labels
    }
}

/// A name, in quotes or not, and what follows.
fn name(text: &str) -> (String, &str) {
    if let Some(rest) = text.strip_prefix('"') {
        return quoted(rest);
    }
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':')).unwrap_or(text.len());
    assert!(end > 0 && !text.starts_with(|c: char| c.is_ascii_digit()), "a name: {text}");
    (text[..end].to_owned(), &text[end..])
}

/// What stands before the next quote, and what follows it.
fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &text[at + 1..]),
            '\\' => match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, c @ ('\\' | '"'))) => value.push(c),
                other => panic!("not an escape: {other:?}"),
            },
            c => value.push(c),
        }
    }
    panic!("no end of the quotes: {text}")
}

fn sample(line: &str) -> (String, BTreeMap<String, String>, f64) {
    let mut labels = BTreeMap::new();
    let (mut metric, mut rest) = if line.starts_with('{') { (String::new(), line) } else { name(line) };
    if let Some(mut inside) = rest.strip_prefix('{') {
        while !inside.starts_with('}') {
            let (label, behind) = name(inside);
            match behind.strip_prefix("=\"") {
                Some(value) => {
                    let (value, behind) = quoted(value);
                    assert!(labels.insert(label, value).is_none(), "a label twice: {line}");
                    inside = behind;
                }
                // The metric's name.
                None if metric.is_empty() => (metric, inside) = (label, behind),
                None => panic!("no value: {line}"),
            }
            inside = inside.strip_prefix(',').unwrap_or(inside);
        }
        rest = &inside[1..];
    }
    let value = match rest.trim_start() {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        value => value.parse().unwrap_or_else(|_| panic!("not a number: {line}")),
    };
    (metric, labels, value)
}
