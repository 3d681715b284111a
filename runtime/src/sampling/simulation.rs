//! Traces, from their spans to the decision.

use super::report::{Line, Report, Stage, Volume};
use super::span::SimulatedSpan;
use crate::ConfigError;
use crate::config::Telemetry;
use crate::record::{Entered, Entering, Node, Share, TailPolicy, TailSettings, adjusted_count, rule_names, simulate};
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use std::collections::hash_map::{DefaultHasher, Entry};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::hash::{Hash, Hasher};
use std::str::FromStr;

/// The settings of sampling, at work on finished spans. Nothing is recorded and nothing is exported; time is that of the spans.
///
/// Spans come in about the order in which they end: those of one trace in a process are put together while they are no more
/// than ten seconds out of order. The sampler decides on the first span of a trace in each process, with the attributes that
/// the span had at its end; then the rules of tail sampling decide on all of its spans that ended before that one did. Spans
/// that end later follow the decision.
///
/// It keeps a few words for every span of a trace that is not decided, and its root: at most
/// [`max_bytes`](Self::with_max_bytes); beyond that the oldest traces are decided early, which the report counts. What was
/// decided is remembered for as long as the settings say, for at most a million traces.
///
/// What it cannot know: what `sample = …` of annotations decides, the load that an adaptive sampler follows (it is taken to be
/// low), and spans that were never recorded. What was sampled before counts as many times as the `th` in its `tracestate` says;
/// a limit of traces a second of the sampler takes each as one.
///
/// ```
/// use otelier::Telemetry;
/// use otelier::config::TailSampling;
/// use otelier::sampling::{SimulatedSpan, Simulation};
///
/// let settings = Telemetry::default().with_tail_sampling(TailSampling::failed());
/// let mut simulation = Simulation::new(&settings)?;
/// for number in 1..=100 {
///     let span = SimulatedSpan { trace_id: number, span_id: 1, start: 1, end: 2, failed: number == 7, ..Default::default() };
///     simulation.add(span);
/// }
/// let report = simulation.run();
/// assert_eq!((report.seen.traces, report.kept.traces), (100.0, 1.0));
/// assert_eq!(report.lines[0].rule.as_deref(), Some("failed"));
/// # Ok::<(), otelier::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct Simulation {
    head: Node,
    tail: Option<TailSettings>,
    /// The names of the rules of the sampler.
    head_names: Vec<String>,
    /// The names of the rules of tail sampling.
    names: Vec<String>,
    pending: HashMap<Key, Trace>,
    /// When each of these is to be decided.
    queue: BTreeSet<(u64, Key)>,
    pending_bytes: usize,
    max_bytes: usize,
    decided: HashMap<Key, Decided>,
    /// Until when each of these is remembered.
    remembered: VecDeque<(u64, Key)>,
    /// The latest end of a span.
    now: u64,
    /// The earliest beginning of one.
    first: u64,
    /// Limits of traces a second see no time that goes back.
    head_now: u64,
    tail_now: u64,
    lines: BTreeMap<By, (Volume, Volume)>,
    report: Report,
}

/// A trace in a process.
type Key = (u64, u128);

/// For how long spans may be out of order, in nanoseconds.
const SLACK: u64 = 10_000_000_000;
/// How many decisions are remembered.
const MOST_DECIDED: usize = 1_000_000;
/// For how long, where there is no tail sampling.
const REMEMBER: u64 = 30_000_000_000;
/// No trace stands for more than this many in a limit of traces a second.
const MOST_TRIES: f64 = 10_000.0;

/// What has decided, in the order in which it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum By {
    Head(Entered),
    Rule(usize),
    Ratio,
}

/// A trace that is not decided.
#[derive(Debug)]
struct Trace {
    /// The first span in the process, or what is the likeliest so far.
    root: Box<SimulatedSpan>,
    first: u64,
    due: u64,
    spans: Vec<Seen>,
}

/// What is kept of a span until its trace is decided.
#[derive(Clone, Copy, Debug)]
struct Seen {
    end: u64,
    /// The first rule that matches it.
    found: usize,
    bytes: usize,
}

#[derive(Clone, Copy, Debug)]
struct Decided {
    by: By,
    /// How many traces it stands for.
    count: f64,
    /// How much of it is kept.
    share: f64,
}

/// How sure it is that a trace enters a process with this span; the least is the surest.
fn rank(span: &SimulatedSpan) -> (u8, u64) {
    let rank = match (span.parent_span_id, span.parent_is_remote) {
        (0, _) | (_, Some(true)) => 0,
        (_, None) => 1,
        (_, Some(false)) => 2,
    };
    (rank, span.start)
}

fn nanos(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl Simulation {
    /// Settings of which the sampler and tail sampling are looked at.
    ///
    /// # Errors
    ///
    /// Everything in all settings that cannot be used.
    pub fn new(settings: &Telemetry) -> Result<Self, ConfigError> {
        let mut problems = ConfigError::default();
        settings.check(&mut problems);
        problems.into_result()?;
        let tail = settings.tail_sampling.as_ref();
        let names: Vec<String> = tail.iter().flat_map(|tail| tail.all_rules()).map(|rule| rule.name).collect();
        let mut lines = BTreeMap::new();
        if tail.is_some() {
            lines.extend((0..names.len()).map(By::Rule).chain([By::Ratio]).map(|by| (by, Default::default())));
        }
        let head = settings.sampler.node();
        Ok(Self {
            head_names: rule_names(&head),
            head,
            tail: tail.map(|tail| tail.settings()),
            names,
            pending: HashMap::new(),
            queue: BTreeSet::new(),
            pending_bytes: 0,
            max_bytes: 256 << 20,
            decided: HashMap::new(),
            remembered: VecDeque::new(),
            now: 0,
            first: u64::MAX,
            head_now: 0,
            tail_now: 0,
            lines,
            report: Report::default(),
        })
    }

    /// Sets how much memory traces may take that are not decided. Default: 256 MiB.
    #[must_use]
    pub fn with_max_bytes(mut self, max_bytes: usize) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    /// Adds a span. Traces that are over by its end are decided.
    pub fn add(&mut self, span: SimulatedSpan) {
        let mut hasher = DefaultHasher::new();
        span.process.hash(&mut hasher);
        let key = (hasher.finish(), span.trace_id);
        self.report.spans += 1;
        self.now = self.now.max(span.end);
        self.first = self.first.min(span.start);
        match self.decided.get(&key).copied() {
            Some(decided) => self.follow(decided, &span),
            None => self.hold(key, span),
        }
        while let Some(&(due, key)) = self.queue.first() {
            let is_due = due.saturating_add(SLACK) <= self.now;
            if !is_due && self.pending_bytes <= self.max_bytes {
                break;
            }
            self.report.early += u64::from(!is_due);
            self.decide(key);
        }
        while let Some(&(until, key)) = self.remembered.front() {
            if until > self.now && self.remembered.len() <= MOST_DECIDED {
                break;
            }
            self.remembered.pop_front();
            self.decided.remove(&key);
        }
    }

    /// Decides on all that is left.
    pub fn run(mut self) -> Report {
        while let Some(&(_, key)) = self.queue.first() {
            self.decide(key);
        }
        let mut report = self.report;
        report.seconds = self.now.saturating_sub(self.first) as f64 / 1e9;
        for (by, (seen, kept)) in self.lines {
            report.seen.add(seen, 1.0);
            report.kept.add(kept, 1.0);
            let (stage, rule, reason) = match by {
                By::Head(Entered { reason, rule, .. }) => {
                    (Stage::Head, rule.and_then(|number| self.head_names.get(number)).cloned(), reason)
                }
                By::Rule(number) => (Stage::Tail, self.names.get(number).cloned(), "tail.rule"),
                By::Ratio => (Stage::Tail, None, "tail.ratio"),
            };
            report.lines.push(Line { stage, rule, reason: reason.to_owned(), seen, kept });
        }
        report
    }

    /// A span that comes after the decision.
    fn follow(&mut self, decided: Decided, span: &SimulatedSpan) {
        self.report.late_spans += 1;
        let volume = Volume { traces: 0.0, spans: 1.0, bytes: span.bytes as f64 };
        self.count(decided, volume);
    }

    fn hold(&mut self, key: Key, span: SimulatedSpan) {
        let policy = self.tail.as_ref().map(|tail| &tail.policy);
        let found = policy.map_or(0, |policy| policy.see(policy.rules.len(), &span));
        let seen = Seen { end: span.end, found, bytes: span.bytes };
        let mut bytes = size_of::<Seen>();
        let trace = match self.pending.entry(key) {
            Entry::Vacant(vacant) => {
                bytes += size_of_root(&span);
                let first = span.start;
                vacant.insert(Trace { root: Box::new(span), first, due: u64::MAX, spans: Vec::new() })
            }
            Entry::Occupied(occupied) => {
                let trace = occupied.into_mut();
                trace.first = trace.first.min(span.start);
                if rank(&span) < rank(&trace.root) {
                    bytes += size_of_root(&span);
                    self.pending_bytes -= size_of_root(&trace.root);
                    *trace.root = span;
                }
                trace
            }
        };
        trace.spans.push(seen);
        self.pending_bytes += bytes;
        let limit = self.tail.as_ref().map_or(u64::MAX, |tail| trace.first.saturating_add(nanos(tail.decide_after)));
        // A span whose parent is here may end long before it.
        let end = if rank(&trace.root).0 < 2 { trace.root.end } else { trace.first.saturating_add(REMEMBER) };
        let due = end.min(limit);
        if due != trace.due || trace.spans.len() == 1 {
            self.queue.remove(&(trace.due, key));
            self.queue.insert((due, key));
            trace.due = due;
        }
    }

    fn decide(&mut self, key: Key) {
        let Some(trace) = self.pending.remove(&key) else { return };
        self.queue.remove(&(trace.due, key));
        self.pending_bytes -= size_of_root(&trace.root) + trace.spans.len() * size_of::<Seen>();
        let root = &trace.root;
        let state = TraceState::from_str(&root.trace_state).unwrap_or_default();
        let count = adjusted_count(&state).unwrap_or(1.0);
        self.report.traces += 1;
        self.report.without_root += u64::from(rank(root).0 == 2);
        self.report.unfinished += u64::from(trace.due < root.end);
        self.head_now = self.head_now.max(root.start);
        let parent = match root.parent_span_id {
            0 => SpanContext::NONE,
            id => SpanContext::new(TraceId::from(root.trace_id), SpanId::from(id), TraceFlags::SAMPLED, true, state),
        };
        let entered = simulate(
            &self.head,
            &Entering {
                trace_id: root.trace_id,
                parent: &parent,
                name: &root.name,
                kind: root.kind,
                schema: &root.schema,
                priority: root.priority,
                attributes: &root.attributes,
                now: self.head_now,
            },
        );
        let (by, share) = match &self.tail {
            Some(tail) if entered.sampled => {
                let in_time = trace.spans.iter().filter(|span| span.end <= trace.due);
                let found = in_time.map(|span| span.found).min().unwrap_or(tail.policy.rules.len());
                self.tail_now = self.tail_now.max(trace.due);
                let share = share(&tail.policy, found, root.trace_id as u64, self.tail_now, count);
                (if found < tail.policy.rules.len() { By::Rule(found) } else { By::Ratio }, share)
            }
            _ => (By::Head(entered), f64::from(u8::from(entered.sampled))),
        };
        let decided = Decided { by, count, share };
        let bytes = trace.spans.iter().map(|span| span.bytes as f64).sum();
        self.report.late_spans += trace.spans.iter().filter(|span| span.end > trace.due).count() as u64;
        self.count(decided, Volume { traces: 1.0, spans: trace.spans.len() as f64, bytes });
        let remember = self.tail.as_ref().map_or(REMEMBER, |tail| nanos(tail.remember));
        self.decided.insert(key, decided);
        self.remembered.push_back((trace.due.max(self.now).saturating_add(remember), key));
    }

    fn count(&mut self, decided: Decided, volume: Volume) {
        let (seen, kept) = self.lines.entry(decided.by).or_default();
        seen.add(volume, decided.count);
        kept.add(volume, decided.count * decided.share);
    }
}

/// How much is kept of a trace that stands for `count`: only a limit of traces a second keeps a part of them.
fn share(policy: &TailPolicy, found: usize, trace_low: u64, now: u64, count: f64) -> f64 {
    let is_limited = policy.rules.get(found).is_some_and(|rule| matches!(rule.share, Share::RateLimit(_)));
    let tries = if is_limited { count.round().clamp(1.0, MOST_TRIES) as u32 } else { 1 };
    let kept = (0..tries).filter(|_| policy.decide(found, trace_low, Some(now)).keep).count();
    kept as f64 / f64::from(tries)
}

/// About how much memory the root of a trace takes, with its places in tables.
fn size_of_root(span: &SimulatedSpan) -> usize {
    let texts = span.process.len() + span.trace_state.len() + span.name.len() + span.schema.len();
    let attributes: usize = span.attributes.iter().map(|attribute| 96 + attribute.value.as_str().len()).sum();
    let events: usize = span.events.iter().map(|event| 24 + event.len()).sum();
    512 + texts + attributes + events
}
