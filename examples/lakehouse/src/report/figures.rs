//! Figures that come out of the spans, so that the summary cannot differ from the trace.

use std::collections::BTreeMap;
use std::time::Duration;

use opentelemetry::Value;
use otelier::export::tree::{Node, Trace, human_duration};

/// Figures of one trace.
#[derive(Debug, Default, PartialEq)]
pub struct Figures {
    /// Requests that were sent, repeated ones included.
    pub calls: usize,
    /// Requests that repeated an earlier one.
    pub retries: usize,
    /// Failed requests and file operations by `error.type`.
    pub errors: BTreeMap<String, usize>,
    /// Spans whose work was cancelled.
    pub cancelled: usize,
    /// The most weight used in a minute.
    pub used_weight: Option<i64>,
    /// The weight allowed in a minute.
    pub weight_limit: Option<i64>,
    /// Whether the run kept its objective, and the objective in seconds.
    pub objective: Option<(bool, f64)>,
}

impl Figures {
    /// Counts.
    pub fn of(trace: &Trace) -> Self {
        let mut figures = Self::default();
        for node in trace.nodes() {
            let is_call = node.attribute("url.template").is_some();
            if is_call {
                figures.calls += 1;
                figures.retries += usize::from(int(node, "http.request.resend_count").is_some());
                figures.used_weight = figures.used_weight.max(int(node, "crypto.rate_limit.used_weight"));
                figures.weight_limit = int(node, "crypto.rate_limit.limit").or(figures.weight_limit);
            }
            // Outer spans repeat the errors of inner ones, so only the operations themselves count.
            if let (true, Some(class)) = (is_call || node.children.is_empty(), node.attribute("error.type")) {
                *figures.errors.entry(class.to_string()).or_default() += 1;
            }
            figures.cancelled += usize::from(node.is_cancelled());
            if let (Some(Value::Bool(kept)), Some(Value::F64(seconds))) =
                (node.attribute("performance.slo.compliant"), node.attribute("performance.slo.threshold"))
            {
                figures.objective = Some((*kept, *seconds));
            }
        }
        figures
    }

    /// Requests and retries.
    pub fn calls(&self) -> String {
        format!("{} requests, {} of them repeated", self.calls, self.retries)
    }

    /// Errors by type, and cancelled work.
    pub fn errors(&self) -> String {
        let mut parts: Vec<String> = self.errors.iter().map(|(class, count)| format!("{count} x {class}")).collect();
        if self.cancelled > 0 {
            parts.push(format!("{} x cancelled", self.cancelled));
        }
        parts.join(", ")
    }

    /// Whether the run was in time.
    pub fn objective(&self) -> Option<String> {
        let (kept, seconds) = self.objective?;
        let verdict = if kept { "met" } else { "missed" };
        Some(format!(
            "{verdict}: the archive is to be ready within {}",
            human_duration(Duration::from_secs_f64(seconds))
        ))
    }

    /// How much of the budget the busiest minute used.
    pub fn budget(&self) -> Option<String> {
        let (used, limit) = (self.used_weight?, self.weight_limit?);
        let percent = used as f64 / limit.max(1) as f64 * 100.0;
        Some(format!("{used} of {limit} request weight used in the busiest minute ({percent:.1} %)"))
    }
}

/// The chain of spans that took longest, from the root down, with the share of the whole that the last one took.
pub fn slowest_path(trace: &Trace) -> String {
    let nodes = trace.nodes();
    let longest = |candidates: &[usize]| candidates.iter().copied().max_by_key(|at| nodes[*at].duration());
    let roots: Vec<usize> = (0..nodes.len()).filter(|at| nodes[*at].parent.is_none()).collect();
    let mut names = Vec::new();
    let mut at = longest(&roots);
    let mut last: Option<&Node> = None;
    while let Some(node) = at.map(|at| &nodes[at]) {
        names.push(node.span.name.as_ref());
        last = Some(node);
        at = longest(&node.children);
    }
    let end = last.map_or(String::new(), |node| {
        let symbol = node.attribute("crypto.symbol").map_or(String::new(), |symbol| format!(" {symbol}"));
        format!("{symbol} ({} of {})", human_duration(node.duration()), human_duration(trace.duration()))
    });
    format!("{}{end}", names.join(" > "))
}

fn int(node: &Node, key: &str) -> Option<i64> {
    match node.attribute(key) {
        Some(Value::I64(value)) => Some(*value),
        _ => None,
    }
}
