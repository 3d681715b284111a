//! Finished spans put together to traces, for whoever shows them.
//!
//! Spans may come from anywhere, so nothing here trusts them: parents may be missing, ids may repeat or point in a circle,
//! and a trace may be nested ten thousand deep.

use opentelemetry::trace::{SpanId, Status, TraceId};
use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime};

/// One trace: its spans in the order a reader wants them, each after its parent, siblings by start time.
///
/// ```
/// use otelier::export::tree::Trace;
///
/// assert!(Trace::group(Vec::new()).is_empty());
/// ```
#[derive(Clone, Debug)]
pub struct Trace {
    id: TraceId,
    nodes: Vec<Node>,
    start: SystemTime,
    end: SystemTime,
    last_root: usize,
}

/// One span in its trace.
#[derive(Clone, Debug)]
pub struct Node {
    /// The span.
    pub span: SpanData,
    /// How many spans of the trace are around it.
    pub depth: usize,
    /// The position of the parent in [`Trace::nodes`]; `None` for a root.
    pub parent: Option<usize>,
    /// Positions of the children, by start time.
    pub children: Vec<usize>,
    /// A parent is named but is not among the spans: it is in another process, or it was lost.
    pub orphan: bool,
    /// Whether the trace would have been shorter if this span had been.
    pub critical: bool,
}

impl Node {
    /// How long the span took.
    pub fn duration(&self) -> Duration {
        self.span.end_time.duration_since(self.span.start_time).unwrap_or_default()
    }

    /// Whether its status is an error.
    pub fn is_error(&self) -> bool {
        matches!(self.span.status, Status::Error { .. })
    }

    /// What its error says: of a panic that ended it first the message, otherwise the status's description.
    pub(crate) fn error_text(&self) -> Option<Cow<'_, str>> {
        let Status::Error { description } = &self.span.status else { return None };
        // The status of a panic says only that it was one.
        let panic = (self.attribute("error.type") == Some(&Value::from("panic")))
            .then(|| self.span.events.iter().rev().find(|event| event.name == "exception"))
            .flatten();
        let said = panic
            .and_then(|event| event.attributes.iter().find(|attribute| attribute.key.as_str() == "exception.message"));
        Some(said.map_or(Cow::Borrowed(description.as_ref()), |said| said.value.as_str()))
    }

    /// Whether its future was dropped before it was ready.
    pub fn is_cancelled(&self) -> bool {
        self.attribute("otelier.cancelled") == Some(&Value::Bool(true))
    }

    /// The value of an attribute.
    pub fn attribute(&self, key: &str) -> Option<&Value> {
        self.span.attributes.iter().find(|attribute| attribute.key.as_str() == key).map(|KeyValue { value, .. }| value)
    }
}

impl Trace {
    /// Sorts spans into traces, the trace that began first in front. Of two spans with one id the first counts.
    pub fn group(spans: impl IntoIterator<Item = SpanData>) -> Vec<Self> {
        let mut traces: BTreeMap<[u8; 16], Vec<SpanData>> = BTreeMap::new();
        for span in spans {
            traces.entry(span.span_context.trace_id().to_bytes()).or_default().push(span);
        }
        let mut traces: Vec<Self> =
            traces.into_iter().map(|(id, spans)| Self::build(TraceId::from_bytes(id), spans)).collect();
        traces.sort_by_key(Self::start);
        traces
    }

    fn build(id: TraceId, mut spans: Vec<SpanData>) -> Self {
        spans.sort_by_key(|span| (span.start_time, std::cmp::Reverse(span.end_time)));
        let mut position = HashMap::new();
        spans.retain(|span| {
            let next = position.len();
            let new = !position.contains_key(&span.span_context.span_id());
            if new {
                position.insert(span.span_context.span_id(), next);
            }
            new
        });
        let parents: Vec<Option<usize>> =
            spans.iter().map(|span| position.get(&span.parent_span_id).copied()).collect();
        let mut children = vec![Vec::new(); spans.len()];
        let mut roots = Vec::new();
        for (at, parent) in parents.iter().enumerate() {
            match parent {
                Some(parent) if *parent != at => children[*parent].push(at),
                _ => roots.push(at),
            }
        }
        let start = spans.iter().map(|span| span.start_time).min().unwrap_or(SystemTime::UNIX_EPOCH);
        let end = spans.iter().map(|span| span.end_time).max().unwrap_or(start);
        let mut trace = Self { id, nodes: Vec::with_capacity(spans.len()), start, end, last_root: 0 };
        let mut spans: Vec<Option<SpanData>> = spans.into_iter().map(Some).collect();
        trace.place(roots, &mut spans, &children);
        // What is left is not reachable from any root: parents that form a circle. Its first span stands in for a root.
        for at in 0..spans.len() {
            if spans[at].is_some() {
                trace.place(vec![at], &mut spans, &children);
            }
        }
        trace.mark_critical_path();
        trace
    }

    /// Moves the spans below `roots` to the nodes, depth first, without recursion.
    fn place(&mut self, mut roots: Vec<usize>, spans: &mut [Option<SpanData>], children: &[Vec<usize>]) {
        roots.reverse();
        let mut open: Vec<(usize, Option<usize>)> = roots.into_iter().map(|root| (root, None)).collect();
        while let Some((at, parent)) = open.pop() {
            let Some(span) = spans[at].take() else { continue };
            let node = self.nodes.len();
            let depth = parent.map_or(0, |parent: usize| self.nodes[parent].depth + 1);
            let orphan = parent.is_none() && span.parent_span_id != SpanId::INVALID;
            self.nodes.push(Node { span, depth, parent, children: Vec::new(), orphan, critical: false });
            match parent {
                Some(parent) => self.nodes[parent].children.push(node),
                None => self.last_root = node,
            }
            open.extend(children[at].iter().rev().map(|child| (*child, Some(node))));
        }
    }

    /// Walks back from the end of the longest root: at each moment the child that ended last before it was waited for.
    fn mark_critical_path(&mut self) {
        let roots = (0..self.nodes.len()).filter(|at| self.nodes[*at].parent.is_none());
        let Some(root) = roots.max_by_key(|at| self.nodes[*at].duration()) else { return };
        let mut open = vec![root];
        while let Some(at) = open.pop() {
            self.nodes[at].critical = true;
            let mut until = self.nodes[at].span.end_time;
            let mut children = self.nodes[at].children.clone();
            children.sort_by_key(|child| std::cmp::Reverse(self.nodes[*child].span.end_time));
            for child in children {
                let span = &self.nodes[child].span;
                if span.end_time <= until && span.start_time < span.end_time {
                    until = span.start_time;
                    open.push(child);
                }
            }
        }
    }

    /// The trace id.
    pub fn id(&self) -> TraceId {
        self.id
    }

    /// The spans, each after its parent.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// When the first span began.
    pub fn start(&self) -> SystemTime {
        self.start
    }

    /// When the last span ended.
    pub fn end(&self) -> SystemTime {
        self.end
    }

    /// From the first beginning to the last end.
    pub fn duration(&self) -> Duration {
        self.end.duration_since(self.start).unwrap_or_default()
    }

    /// The position of the last span without a parent here.
    pub(crate) fn last_root(&self) -> usize {
        self.last_root
    }

    /// How many spans have the status error.
    pub fn errors(&self) -> usize {
        self.nodes.iter().filter(|node| node.is_error()).count()
    }

    /// How much of the span at this position no child covers.
    pub fn self_time(&self, at: usize) -> Duration {
        let node = &self.nodes[at];
        let mut covered = Duration::ZERO;
        let mut until = node.span.start_time;
        for child in &node.children {
            let child = &self.nodes[*child].span;
            let (start, end) = (child.start_time.max(until), child.end_time.min(node.span.end_time));
            covered += end.duration_since(start).unwrap_or_default();
            until = until.max(end);
        }
        node.duration().saturating_sub(covered)
    }

    /// Positions of the spans on the critical path, from the outermost, of several on one level the first.
    pub fn critical_path(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|at| self.nodes[*at].critical).collect()
    }
}

/// A duration for people: `850 ns`, `12.3 µs`, `4.56 ms`, `1.20 s`, `2 m 05 s`.
///
/// ```
/// use otelier::export::tree::human_duration;
/// use std::time::Duration;
///
/// assert_eq!(human_duration(Duration::from_micros(12_345)), "12.3 ms");
/// assert_eq!(human_duration(Duration::from_secs(125)), "2 m 05 s");
/// ```
pub fn human_duration(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    let (value, unit) = match nanos {
        0..1_000 => return format!("{nanos} ns"),
        1_000..1_000_000 => (nanos as f64 / 1e3, "µs"),
        1_000_000..1_000_000_000 => (nanos as f64 / 1e6, "ms"),
        1_000_000_000..60_000_000_000 => (nanos as f64 / 1e9, "s"),
        _ => return format!("{} m {:02} s", duration.as_secs() / 60, duration.as_secs() % 60),
    };
    let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.digits$} {unit}")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use opentelemetry::InstrumentationScope;
    use opentelemetry::trace::{SpanContext, SpanKind, TraceFlags, TraceState};
    use opentelemetry_sdk::trace::{SpanEvents, SpanLinks};

    /// A span of trace 1, with times in microseconds.
    pub(crate) fn span(id: u64, parent: u64, name: &str, from: u64, to: u64) -> SpanData {
        let at = |micros| SystemTime::UNIX_EPOCH + Duration::from_micros(1_000_000 + micros);
        let context =
            SpanContext::new(TraceId::from(1), SpanId::from(id), TraceFlags::SAMPLED, false, TraceState::default());
        SpanData {
            span_context: context,
            parent_span_id: SpanId::from(parent),
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: name.to_owned().into(),
            start_time: at(from),
            end_time: at(to),
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: InstrumentationScope::default(),
        }
    }

    fn shape(trace: &Trace) -> Vec<(usize, &str)> {
        trace.nodes().iter().map(|node| (node.depth, &*node.span.name)).collect()
    }

    #[test]
    fn children_follow_their_parent_by_start_time() {
        let spans = [
            span(3, 1, "late", 50, 60),
            span(1, 0, "root", 0, 100),
            span(2, 1, "early", 10, 40),
            span(4, 2, "leaf", 11, 12),
        ];
        let traces = Trace::group(spans);
        assert_eq!(shape(&traces[0]), [(0, "root"), (1, "early"), (2, "leaf"), (1, "late")]);
        assert_eq!(traces[0].duration(), Duration::from_micros(100));
        assert_eq!(traces[0].self_time(0), Duration::from_micros(60));
    }

    #[test]
    fn the_critical_path_is_what_the_end_waited_for() {
        let spans = [
            span(1, 0, "root", 0, 100),
            span(2, 1, "first", 0, 40),
            span(3, 1, "beside", 5, 30),
            span(4, 1, "second", 40, 95),
        ];
        let trace = &Trace::group(spans)[0];
        let path: Vec<_> = trace.critical_path().into_iter().map(|at| &*trace.nodes()[at].span.name).collect();
        assert_eq!(path, ["root", "first", "second"]);
    }

    #[test]
    fn overlapping_children_are_not_counted_twice() {
        let spans = [span(1, 0, "root", 0, 100), span(2, 1, "a", 10, 60), span(3, 1, "b", 40, 80)];
        assert_eq!(Trace::group(spans)[0].self_time(0), Duration::from_micros(30));
    }

    #[test]
    fn a_lost_parent_makes_an_orphan() {
        let trace = &Trace::group([span(2, 9, "orphan", 0, 1)])[0];
        assert!(trace.nodes()[0].orphan);
    }

    #[test]
    fn circles_and_doubles_lose_nothing_and_end() {
        let spans =
            [span(1, 2, "a", 0, 1), span(2, 1, "b", 0, 1), span(3, 3, "own parent", 0, 1), span(3, 1, "double", 0, 1)];
        assert_eq!(Trace::group(spans)[0].nodes().len(), 3);
    }

    #[test]
    fn ten_thousand_levels_fit() {
        let spans = (1..=10_000).map(|id| span(id, id - 1, "level", id, 100_000 - id));
        let trace = &Trace::group(spans)[0];
        assert_eq!(trace.nodes().last().map(|node| node.depth), Some(9_999));
        assert_eq!(trace.critical_path().len(), 10_000);
    }

    #[test]
    fn durations_keep_three_digits() {
        for (nanos, text) in
            [(0, "0 ns"), (999, "999 ns"), (1_500, "1.50 µs"), (123_456_789, "123 ms"), (59_900_000_000, "59.9 s")]
        {
            assert_eq!(human_duration(Duration::from_nanos(nanos)), text);
        }
    }
}
