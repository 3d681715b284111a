//! What `check` says: findings with how often they were there, and what was seen.

use otelier_registry::check::{Checker, Finding, Level, SpanSample, Summary};
use serde_json::json;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write;

/// How many findings are told apart; a name with a number in it could fill the memory.
const MAX_FINDINGS: usize = 10_000;

/// Findings, the worst first.
type Findings = BTreeMap<(Reverse<Level>, String, String, String), u64>;

/// What was found so far.
pub(super) struct Report<'a> {
    checker: Checker<'a>,
    findings: Findings,
    /// Findings that were not kept.
    more: u64,
    worst: Option<Level>,
    spans: u64,
}

impl<'a> Report<'a> {
    pub(super) fn new(checker: Checker<'a>) -> Self {
        Self { checker, findings: Findings::new(), more: 0, worst: None, spans: 0 }
    }

    pub(super) fn take(&mut self, spans: &[SpanSample]) {
        for sample in spans {
            self.spans += 1;
            for Finding { level, span, place, message } in self.checker.span(sample) {
                self.worst = self.worst.max(Some(level));
                let full = self.findings.len() >= MAX_FINDINGS;
                let key = (Reverse(level), span, place, message);
                match self.findings.get_mut(&key) {
                    Some(count) => *count += 1,
                    None if full => self.more += 1,
                    None => {
                        self.findings.insert(key, 1);
                    }
                }
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.spans == 0
    }

    /// Whether something was found that is at least as bad as `level`.
    pub(super) fn has(&self, level: Level) -> bool {
        self.worst >= Some(level)
    }

    fn findings(&self) -> impl Iterator<Item = (Finding, u64)> {
        self.findings.iter().map(|((Reverse(level), span, place, message), count)| {
            let (span, place, message) = (span.clone(), place.clone(), message.clone());
            (Finding { level: *level, span, place, message }, *count)
        })
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a `String` does not fail.
        for (finding, count) in self.findings() {
            let times = if count == 1 { String::new() } else { format!(" ({count} times)") };
            let line = format!("{finding}{times}").replace(char::is_control, "\u{fffd}");
            let _ = writeln!(text, "{line}");
        }
        if self.more > 0 {
            let _ = writeln!(text, "and {} findings more", self.more);
        }
        let gap = if text.is_empty() { "" } else { "\n" };
        format!("{text}{gap}{}", self.checker.summary())
    }

    /// For programs.
    pub(super) fn json(&self) -> String {
        let findings: Vec<_> = self
            .findings()
            .map(|(Finding { level, span, place, message }, count)| {
                json!({"level": level.as_str(), "span": span, "place": place, "message": message, "count": count})
            })
            .collect();
        let Summary { spans, unmatched, schemas, unseen_events } = self.checker.summary();
        let schemas: Vec<_> = schemas
            .into_iter()
            .map(|schema| {
                json!({
                    "id": schema.id, "spans": schema.spans, "violations": schema.violations,
                    "improvements": schema.improvements, "information": schema.information,
                    "attributes": schema.attributes, "unseen_attributes": schema.unseen_attributes,
                })
            })
            .collect();
        let summary =
            json!({"spans": spans, "unmatched": unmatched, "schemas": schemas, "unseen_events": unseen_events});
        format!("{:#}\n", json!({"findings": findings, "more_findings": self.more, "summary": summary}))
    }
}
