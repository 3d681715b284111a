//! Proves that the peers do the same work: each makes the same traces in a process of its own, and what it exports is
//! compared with what it should be.

use crate::child::{Child, Kind};
use crate::peers::{Name, Peer, VENUE};
use crate::process::{Missing, measure};
use crate::scenario::{Mode, SYMBOLS, Scenario, price, traces};
use crate::spans::{KEPT, Span};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

const TRACES: usize = 3;
const LEAVES: usize = 4;

pub(crate) fn child<P: Peer>(scenario: Scenario) {
    traces::<P>(scenario.work(), TRACES, LEAVES);
    P::flush();
    for span in KEPT.lock().expect("nobody panics with it").iter() {
        println!("span {}", span.to_line());
    }
}

/// What was found.
#[derive(Clone, Debug, Default)]
struct Findings {
    /// What is not the same work.
    problems: BTreeSet<String>,
    /// What is different, and by whose design.
    notes: BTreeSet<String>,
}

impl Findings {
    fn check(&mut self, holds: bool, problem: impl FnOnce() -> String) {
        if !holds {
            self.problems.insert(problem());
        }
    }

    fn note(&mut self, text: impl Into<String>) {
        self.notes.insert(text.into());
    }
}

/// The attributes of a leaf, as `type:value`.
fn expected(scenario: Scenario, number: usize) -> BTreeMap<&'static str, String> {
    let mut attributes = BTreeMap::new();
    if matches!(scenario, Scenario::S2 | Scenario::S3) {
        attributes.insert("app.venue", format!("str:{VENUE}"));
        attributes.insert("app.quantity", format!("i64:{number}"));
    }
    if scenario == Scenario::S2 {
        attributes.insert("app.price", format!("f64:{}", price(number)));
        attributes.insert("app.symbol", format!("str:{}", SYMBOLS[number]));
    }
    attributes
}

fn compare(peer: Name, scenario: Scenario, spans: &[Span]) -> Findings {
    let mut findings = Findings::default();
    if scenario.mode() != Mode::Recorded {
        findings.check(spans.is_empty(), || format!("{} spans were exported", spans.len()));
        return findings;
    }
    // logfire also exports a copy of a span when it starts.
    let pending = |span: &&Span| span.attribute("logfire.span_type").is_some_and(|kind| kind.contains("pending"));
    let spans: Vec<&Span> = spans.iter().filter(|span| !pending(span)).collect();
    let leaves = if scenario == Scenario::S0 { 0 } else { LEAVES };
    findings.check(spans.len() == TRACES * (leaves + 1), || format!("{} spans", spans.len()));
    let ids: BTreeSet<u64> = spans.iter().map(|span| span.id).collect();
    findings.check(ids.len() == spans.len() && !ids.contains(&0), || "ids are not unique".to_owned());
    let mut by_trace: BTreeMap<u128, Vec<&Span>> = BTreeMap::new();
    for span in spans {
        by_trace.entry(span.trace).or_default().push(span);
    }
    findings.check(by_trace.len() == TRACES && !by_trace.contains_key(&0), || format!("{} traces", by_trace.len()));
    for trace in by_trace.values() {
        compare_trace(&mut findings, peer, scenario, trace);
    }
    findings
}

fn compare_trace(findings: &mut Findings, peer: Name, scenario: Scenario, spans: &[&Span]) {
    let (roots, mut leaves): (Vec<&Span>, Vec<&Span>) = spans.iter().partition(|span| span.name == "root");
    let [root] = *roots else {
        findings.check(false, || format!("{} roots in a trace", roots.len()));
        return;
    };
    findings.check(root.parent == 0, || "the root has a parent".to_owned());
    findings.check(root.status == "unset", || format!("the root's status is {}", root.status));
    leaves.sort_by_key(|leaf| leaf.start);
    let mut last = 0;
    for (number, leaf) in leaves.into_iter().enumerate() {
        findings.check(leaf.name == "leaf", || format!("a span is called `{}`", leaf.name));
        findings.check(leaf.parent == root.id, || "a leaf is not the root's child".to_owned());
        let inside = root.start <= leaf.start && leaf.start <= leaf.end && leaf.end <= root.end;
        findings.check(inside, || "times do not nest".to_owned());
        findings.check(last <= leaf.start, || "leaves overlap".to_owned());
        last = leaf.end;
        compare_attributes(findings, &expected(scenario, number), leaf);
        if scenario == Scenario::S4 {
            compare_error(findings, peer, number, leaf);
        } else {
            findings.check(leaf.status == "unset", || format!("a status is {}", leaf.status));
        }
    }
}

fn compare_attributes(findings: &mut Findings, expected: &BTreeMap<&str, String>, leaf: &Span) {
    for (key, expected) in expected {
        let Some(found) = leaf.attribute(key) else {
            findings.check(false, || format!("`{key}` is missing"));
            continue;
        };
        let (expected_type, expected_value) = expected.split_once(':').unwrap_or_default();
        let (found_type, found_value) = found.split_once(':').unwrap_or_default();
        findings.check(found_value == expected_value, || format!("`{key}` is {found}, expected {expected}"));
        if found_type != expected_type {
            findings.note(format!("`{key}` is of type {found_type}, not {expected_type}"));
        }
    }
    let more = leaf.attributes.iter().map(|(key, _)| key.as_str()).filter(|key| !expected.contains_key(key));
    let more: Vec<&str> = more.collect();
    if !more.is_empty() {
        findings.note(format!("more attributes: {}", more.join(" ")));
    }
}

fn compare_error(findings: &mut Findings, peer: Name, number: usize, leaf: &Span) {
    let message = format!("rate limited: {number}");
    #[cfg(feature = "peers")]
    if peer == Name::Logfire {
        findings.check(leaf.status == "unset" && leaf.events.is_empty(), || format!("the status is {}", leaf.status));
        findings.note("not the same work: the error becomes a log record, the span has no status and no event");
        return;
    }
    let _ = peer;
    findings.check(leaf.status == format!("error:{message}"), || format!("the status is {}", leaf.status));
    let exception = leaf.events.iter().find(|(name, _)| name == "exception");
    let says = |(key, value): &(String, String)| key == "exception.message" && value.contains(&message);
    let found = exception.is_some_and(|(_, attributes)| attributes.iter().any(says));
    findings.check(found, || "there is no exception event".to_owned());
    let events = exception.into_iter().flat_map(|(_, attributes)| attributes);
    let more: Vec<&str> = events.map(|(key, _)| key.as_str()).filter(|key| *key != "exception.message").collect();
    if !more.is_empty() {
        findings.note(format!("the event also has {}", more.join(" ")));
    }
}

/// What all peers did.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) text: String,
    pub(crate) problems: Vec<String>,
}

pub(crate) fn run(peers: &[Name]) -> Verdict {
    let mut text = String::new();
    let mut problems = Vec::new();
    for scenario in Scenario::ALL {
        for &peer in peers.iter().filter(|peer| peer.has(scenario)) {
            let answer = measure(Kind::Spans, &Child::new(peer, scenario));
            let (word, rest) = match answer {
                Err(Missing::Unavailable) => ("n/a ", String::new()),
                Err(Missing::Failed) => {
                    problems.push(format!("{}, {scenario}: the process failed", peer.title()));
                    ("FAIL", String::new())
                }
                Ok(answer) => {
                    let spans: Option<Vec<Span>> = answer.values("span").map(Span::from_line).collect();
                    let spans = spans.unwrap_or_default();
                    let findings = compare(peer, scenario, &spans);
                    let own = findings.problems.iter().map(|found| format!("{}, {scenario}: {found}", peer.title()));
                    problems.extend(own);
                    let all: Vec<&str> = findings.problems.iter().chain(&findings.notes).map(String::as_str).collect();
                    let count = format!("{:2} spans  {}", spans.len(), all.join("; "));
                    (if findings.problems.is_empty() { "ok  " } else { "FAIL" }, count)
                }
            };
            let _ = writeln!(text, "{scenario} {:32} {word} {}", peer.title().replace('*', ""), rest.trim_end());
        }
    }
    Verdict { text, problems }
}

#[cfg(test)]
mod tests {
    use super::{LEAVES, TRACES, compare, expected};
    use crate::peers::Name;
    use crate::scenario::Scenario;
    use crate::spans::Span;

    type Change = fn(&mut Vec<Span>);

    /// What a peer that does all of the work exports.
    fn right(scenario: Scenario) -> Vec<Span> {
        let mut spans = Vec::new();
        for trace in 1..=TRACES as u64 {
            let at = trace * 1000;
            let span = |id, parent, name: &str, start, end| Span {
                trace: u128::from(trace),
                id,
                parent,
                name: name.to_owned(),
                start,
                end,
                status: "unset".to_owned(),
                attributes: Vec::new(),
                events: Vec::new(),
            };
            for number in 0..LEAVES {
                let start = at + 10 * number as u64;
                let mut leaf = span(start + 1, at, "leaf", start, start + 10);
                let attributes = expected(scenario, number).into_iter();
                leaf.attributes = attributes.map(|(key, value)| (key.to_owned(), value)).collect();
                if scenario == Scenario::S4 {
                    let message = format!("rate limited: {number}");
                    leaf.status = format!("error:{message}");
                    let attribute = ("exception.message".to_owned(), format!("str:{message}"));
                    leaf.events = vec![("exception".to_owned(), vec![attribute])];
                }
                spans.push(leaf);
            }
            spans.push(span(at, 0, "root", at, at + 100));
        }
        spans
    }

    #[test]
    fn the_right_spans_pass() {
        for scenario in [Scenario::S1, Scenario::S2, Scenario::S3, Scenario::S4] {
            let findings = compare(Name::Lazy, scenario, &right(scenario));
            assert!(findings.problems.is_empty() && findings.notes.is_empty(), "{scenario}: {findings:?}");
        }
        assert!(compare(Name::Lazy, Scenario::S5, &[]).problems.is_empty());
    }

    #[test]
    fn every_difference_is_found() {
        let changes: [(Scenario, &str, Change); 14] = [
            (Scenario::S1, "14 spans", |spans| _ = spans.remove(0)),
            (Scenario::S1, "ids are not unique", |spans| spans[0].id = spans[1].id),
            (Scenario::S1, "4 traces", |spans| spans[0].trace = 9),
            (Scenario::S1, "the root has a parent", |spans| spans[LEAVES].parent = 7),
            (Scenario::S1, "a leaf is not the root's child", |spans| spans[1].parent = spans[0].id),
            (Scenario::S1, "times do not nest", |spans| spans[3].end += 1000),
            (Scenario::S1, "leaves overlap", |spans| spans[0].end += 5),
            (Scenario::S1, "a span is called `twig`", |spans| spans[0].name = "twig".to_owned()),
            (Scenario::S1, "a status is ok", |spans| spans[0].status = "ok".to_owned()),
            (Scenario::S2, "`app.price` is missing", |spans| spans[0].attributes.retain(|(key, _)| key != "app.price")),
            (Scenario::S2, "`app.quantity` is i64:1, expected i64:0", |spans| {
                spans[0].attributes = spans[1].attributes.clone();
            }),
            (Scenario::S4, "the status is unset", |spans| spans[0].status = "unset".to_owned()),
            (Scenario::S4, "there is no exception event", |spans| spans[0].events.clear()),
            (Scenario::S5, "15 spans were exported", |_| {}),
        ];
        for (scenario, problem, change) in changes {
            let mut spans = right(scenario);
            change(&mut spans);
            let findings = compare(Name::Lazy, scenario, &spans);
            assert!(findings.problems.contains(problem), "{problem}: {findings:?}");
        }
    }

    #[test]
    fn another_type_is_noted() {
        let mut spans = right(Scenario::S2);
        for (_, value) in &mut spans[0].attributes {
            *value = value.replace("i64:", "str:");
        }
        let findings = compare(Name::Lazy, Scenario::S2, &spans);
        assert!(findings.problems.is_empty(), "{findings:?}");
        assert!(findings.notes.contains("`app.quantity` is of type str, not i64"), "{findings:?}");
    }
}
