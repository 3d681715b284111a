//! Traces as trees in a terminal.

use super::shown;
use super::tree::{Node, Trace, human_duration};
use opentelemetry::Value;
use opentelemetry::trace::{SpanId, SpanKind};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How a trace is printed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TextStyle {
    /// Whether colours are used.
    pub color: bool,
    /// How many columns a line may have. Default: 100.
    pub width: usize,
    /// How many like-named siblings without errors are printed before the rest is summed up in a line. Default: 8.
    pub max_siblings: usize,
}

impl Default for TextStyle {
    /// 100 columns without colours.
    fn default() -> Self {
        Self { color: false, width: 100, max_siblings: 8 }
    }
}

impl TextStyle {
    /// What suits standard error: colours on a terminal unless `NO_COLOR` is set, or everywhere if `CLICOLOR_FORCE` is;
    /// as many columns as `COLUMNS` says, from 40 to 200.
    pub fn detect() -> Self {
        Self::from_variables(
            |name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()),
            io::stderr().is_terminal(),
        )
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>, terminal: bool) -> Self {
        let set = |name| variable(name).is_some_and(|value| !value.is_empty());
        let forced = variable("CLICOLOR_FORCE").is_some_and(|value| !matches!(value.as_str(), "" | "0"));
        let width = variable("COLUMNS").and_then(|columns| columns.parse::<usize>().ok());
        Self {
            color: !set("NO_COLOR") && (forced || terminal),
            width: width.map_or(100, |columns| columns.clamp(40, 200)),
            ..Self::default()
        }
    }

    /// Switches colours.
    #[must_use]
    pub fn with_color(mut self, color: bool) -> Self {
        self.color = color;
        self
    }

    /// Sets how many columns a line may have.
    #[must_use]
    pub fn with_width(mut self, width: usize) -> Self {
        self.width = width;
        self
    }

    /// Sets how many like-named siblings are printed one by one.
    #[must_use]
    pub fn with_max_siblings(mut self, siblings: usize) -> Self {
        self.max_siblings = siblings;
        self
    }
}

#[derive(Clone, Copy)]
enum Ink {
    Dim,
    Red,
    Yellow,
    Cyan,
    Bold,
}

/// A line under construction: counts columns, and cuts what does not fit.
struct Line<'a> {
    style: &'a TextStyle,
    text: String,
    columns: usize,
}

impl<'a> Line<'a> {
    fn new(style: &'a TextStyle) -> Self {
        Self { style, text: String::new(), columns: 0 }
    }

    fn room(&self) -> usize {
        self.style.width.saturating_sub(self.columns)
    }

    /// Appends text, cut with an ellipsis if it does not fit; control characters are shown, never sent.
    fn push(&mut self, ink: Option<Ink>, text: &str) {
        let text = cut(&harmless(text), self.room());
        if text.is_empty() {
            return;
        }
        self.columns += text.chars().count();
        let code = match ink.filter(|_| self.style.color) {
            None => return self.text.push_str(&text),
            Some(Ink::Dim) => "2",
            Some(Ink::Red) => "31",
            Some(Ink::Yellow) => "33",
            Some(Ink::Cyan) => "36",
            Some(Ink::Bold) => "1",
        };
        // Writing to a `String` does not fail.
        let _ = write!(self.text, "\x1b[{code}m{text}\x1b[0m");
    }

    fn pad_to(&mut self, column: usize) {
        let missing = column.saturating_sub(self.columns);
        self.text.extend(std::iter::repeat_n(' ', missing));
        self.columns += missing;
    }

    fn end(self, to: &mut String) {
        to.push_str(self.text.trim_end());
        to.push('\n');
    }
}

/// The text with every control character replaced, so that a span's name cannot steer the terminal.
pub(super) fn harmless(text: &str) -> String {
    let unsafe_for_terminals = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if unsafe_for_terminals(c) { '\u{fffd}' } else { c }).collect()
}

fn cut(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(columns.saturating_sub(1)).collect();
    if columns > 0 {
        short.push('…');
    }
    short
}

/// Columns of the duration and of the bar on the right of each line.
const DURATION_COLUMNS: usize = 8;
const BAR_COLUMNS: usize = 16;
/// Deeper spans are all indented like this one.
const DEEPEST_INDENT: usize = 24;
/// Longest value of an attribute in a line.
const VALUE_COLUMNS: usize = 28;
/// Events in lines of their own; the others are counted.
const EVENT_LINES: usize = 8;
/// Behind a span whose parent is in another process, or was lost.
const ELSEWHERE: &str = " (parent elsewhere)";

/// Prints the trace as a tree, one line for each span: name, key attributes, duration, and when it ran.
///
/// ```text
/// stage collect  symbol_count=2                                        1.29 ms ▕████████████████▏
/// ├─ binance /api/v3/klines  symbol=BTCUSDT status_code=200             640 µs ▕████████        ▏
/// ╰─ binance /api/v3/klines  symbol=ETHUSDT                             590 µs ▕        ████████▏
///    ✗ 503: the exchange answered 503
/// ```
pub fn render_text(trace: &Trace, style: &TextStyle) -> String {
    let mut text = String::new();
    let mut header = Line::new(style);
    let errors = match trace.errors() {
        0 => String::new(),
        1 => ", 1 error".to_owned(),
        errors => format!(", {errors} errors"),
    };
    let spans = trace.nodes().len();
    header.push(Some(Ink::Bold), &format!("trace {}", trace.id()));
    header.push(
        None,
        &format!("  {spans} span{}{errors}, {}", if spans == 1 { "" } else { "s" }, human_duration(trace.duration())),
    );
    header.end(&mut text);
    let mut guides: Vec<bool> = Vec::new();
    let mut at = 0;
    while at < trace.nodes().len() {
        let (last, hidden) = siblings(trace, at, style);
        guides.truncate(trace.nodes()[at].depth);
        if let Some(run) = hidden {
            run.render(trace, &guides, last, style, &mut text);
            guides.push(!last);
            at = run.end;
            continue;
        }
        render_node(trace, at, &guides, last, style, &mut text);
        guides.push(!last);
        at += 1;
    }
    text
}

/// Like-named siblings that are summed up in one line.
struct Run {
    first: usize,
    count: usize,
    /// The node after the last hidden one.
    end: usize,
    shortest: Duration,
    longest: Duration,
}

impl Run {
    fn render(&self, trace: &Trace, guides: &[bool], last: bool, style: &TextStyle, to: &mut String) {
        let mut line = Line::new(style);
        indent(&mut line, guides, Some(last));
        let name = &trace.nodes()[self.first].span.name;
        let (shortest, longest) = (human_duration(self.shortest), human_duration(self.longest));
        line.push(Some(Ink::Dim), &format!("… {} more `{name}`, {shortest} to {longest}", self.count));
        line.end(to);
    }
}

/// Whether the node is its parent's last child, and the run of siblings it starts, if that is to be hidden.
fn siblings(trace: &Trace, at: usize, style: &TextStyle) -> (bool, Option<Run>) {
    let nodes = trace.nodes();
    let Some(parent) = nodes[at].parent else {
        return (at == trace.last_root(), None);
    };
    let children = &nodes[parent].children;
    // Children are placed in order, so their positions are sorted.
    let Ok(place) = children.binary_search(&at) else { return (true, None) };
    let quiet = |child: &usize| {
        let node = &nodes[*child];
        node.span.name == nodes[at].span.name && node.children.is_empty() && !node.is_error() && !node.is_cancelled()
    };
    let before = children[..place].iter().rev().take_while(|child| quiet(child)).count();
    let run: Vec<usize> = children[place..].iter().copied().take_while(|child| quiet(child)).collect();
    if before < style.max_siblings || run.len() < 2 || !quiet(&at) {
        return (place + 1 == children.len(), None);
    }
    let durations = || run.iter().map(|child| nodes[*child].duration());
    let end = run.last().map_or(at + 1, |child| child + 1);
    let last = place + run.len() == children.len();
    let (shortest, longest) = (durations().min().unwrap_or_default(), durations().max().unwrap_or_default());
    (last, Some(Run { first: at, count: run.len(), end, shortest, longest }))
}

/// The guides of the levels around a line, then its own corner (`last` is `None` for lines below a span).
fn indent(line: &mut Line<'_>, guides: &[bool], last: Option<bool>) {
    let shown = guides.len().min(DEEPEST_INDENT);
    for open in guides.iter().take(shown).skip(1) {
        line.push(Some(Ink::Dim), if *open { "│  " } else { "   " });
    }
    match last {
        Some(_) if guides.is_empty() => {}
        Some(true) => line.push(Some(Ink::Dim), "╰─ "),
        Some(false) => line.push(Some(Ink::Dim), "├─ "),
        None => line.push(None, "   "),
    }
}

fn render_node(trace: &Trace, at: usize, guides: &[bool], last: bool, style: &TextStyle, to: &mut String) {
    let node = &trace.nodes()[at];
    let right = DURATION_COLUMNS + BAR_COLUMNS + 5;
    let narrower = style.clone().with_width(style.width.saturating_sub(right));
    let mut line = Line::new(&narrower);
    indent(&mut line, guides, Some(last));
    let ink = match () {
        () if node.is_error() => Some(Ink::Red),
        () if node.is_cancelled() => Some(Ink::Yellow),
        () if node.span.span_kind == SpanKind::Client => Some(Ink::Cyan),
        () => Some(Ink::Bold),
    };
    line.push(ink, &node.span.name);
    if let Some(side) = shown::side(node) {
        line.push(Some(Ink::Dim), &format!(" {side}"));
    }
    let kept = if node.orphan { ELSEWHERE.len() } else { 0 };
    for (key, value) in shown::attributes(trace, at) {
        // A URL is what tells one request from another, and says most at its end.
        let most = if key == "full" { line.room().saturating_sub(key.len() + 4 + kept) } else { VALUE_COLUMNS };
        let value = cut(&value, most.max(VALUE_COLUMNS));
        if line.room() < key.chars().count() + value.chars().count() + 4 + kept {
            line.push(Some(Ink::Dim), " …");
            break;
        }
        line.push(Some(Ink::Dim), &format!(" {key}="));
        line.push(None, &value);
    }
    if node.orphan {
        line.push(Some(Ink::Dim), ELSEWHERE);
    }
    line.pad_to(narrower.width);
    let mut line = Line { style, ..line };
    line.push(None, &format!("  {:>DURATION_COLUMNS$} ", human_duration(node.duration())));
    line.push(Some(Ink::Dim), "▕");
    line.push(ink, &bar(trace, node));
    line.push(Some(Ink::Dim), "▏");
    line.end(to);
    render_below(node, guides, last, style, to);
}

/// The lines below a span: its error, and its events.
fn render_below(node: &Node, guides: &[bool], last: bool, style: &TextStyle, to: &mut String) {
    let mut around = guides.to_vec();
    around.push(!last);
    let mut below = |ink: Ink, text: String| {
        let mut line = Line::new(style);
        indent(&mut line, &around, None);
        line.push(Some(ink), &text);
        line.end(to);
    };
    if let Some(text) = node.error_text() {
        let error_type = node.attribute("error.type").map(Value::to_string).unwrap_or_else(|| "error".to_owned());
        // What is missing has no text.
        let colon = if text.is_empty() { "" } else { ": " };
        below(Ink::Red, format!("✗ {error_type}{colon}{text}"));
    } else if node.is_cancelled() {
        below(Ink::Yellow, format!("✗ cancelled: {}", shown::cancelled(node)));
    }
    let events: Vec<String> = node
        .span
        .events
        .iter()
        .filter(|event| event.name != "exception")
        .map(|event| {
            let after = event.timestamp.duration_since(node.span.start_time).unwrap_or_default();
            let attributes: String = shown::event_attributes(event)
                .map(|(key, value)| format!(" {key}={}", cut(&value, VALUE_COLUMNS)))
                .collect();
            format!("{}{attributes} +{}", event.name, human_duration(after))
        })
        .collect();
    if events.is_empty() {
        return;
    }
    let together = events.join(" · ");
    let indented = 3 * guides.len().min(DEEPEST_INDENT) + 5;
    if indented + together.chars().count() <= style.width {
        return below(Ink::Dim, format!("· {together}"));
    }
    for event in events.iter().take(EVENT_LINES) {
        below(Ink::Dim, format!("· {event}"));
    }
    if events.len() > EVENT_LINES {
        below(Ink::Dim, format!("… {} more events", events.len() - EVENT_LINES));
    }
}

/// When the span ran, within the trace.
fn bar(trace: &Trace, node: &Node) -> String {
    let total = trace.duration().as_nanos().max(1);
    let column = |nanos: u128| (nanos * BAR_COLUMNS as u128 / total).min(BAR_COLUMNS as u128) as usize;
    let from =
        column(node.span.start_time.duration_since(trace.start()).unwrap_or_default().as_nanos()).min(BAR_COLUMNS - 1);
    let to = column(node.span.end_time.duration_since(trace.start()).unwrap_or_default().as_nanos()).max(from + 1);
    let mark = if node.duration().as_nanos() * (BAR_COLUMNS as u128) < total { '▏' } else { '█' };
    (0..BAR_COLUMNS).map(|at| if (from..to).contains(&at) { mark } else { ' ' }).collect()
}

/// Prints each trace as a tree when its local root has ended, to standard error or another writer.
///
/// Spans of a trace that come after its root has been printed are printed as a tree of their own. At most 10,000 spans
/// wait for their roots; when there are more, the oldest trace is printed as it is.
///
/// ```
/// use otelier::export::console::{ConsoleExporter, TextStyle};
///
/// let exporter = ConsoleExporter::to_writer(std::io::sink(), TextStyle::default());
/// # drop(exporter);
/// ```
pub struct ConsoleExporter {
    state: Mutex<State>,
}

struct State {
    waiting: Vec<SpanData>,
    limit: usize,
    style: TextStyle,
    writer: Box<dyn Write + Send>,
}

impl fmt::Debug for ConsoleExporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConsoleExporter")
    }
}

impl Default for ConsoleExporter {
    fn default() -> Self {
        Self::new()
    }
}

impl ConsoleExporter {
    /// Prints to standard error in a style that suits it.
    pub fn new() -> Self {
        Self::to_writer(io::stderr(), TextStyle::detect())
    }

    /// Prints to `writer`.
    pub fn to_writer(writer: impl Write + Send + 'static, style: TextStyle) -> Self {
        let state = State { waiting: Vec::new(), limit: 10_000, style, writer: Box::new(writer) };
        Self { state: Mutex::new(state) }
    }

    fn with<R>(&self, f: impl FnOnce(&mut State) -> R) -> R {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    /// Prints every waiting trace for which `ready` says yes.
    fn print(&mut self, ready: impl Fn(&[SpanData], &SpanData) -> bool) -> io::Result<()> {
        let spans = std::mem::take(&mut self.waiting);
        let is_ready: Vec<bool> = spans.iter().map(|span| ready(&spans, span)).collect();
        let (mut now, mut later) = (Vec::new(), Vec::new());
        for (span, ready) in spans.into_iter().zip(is_ready) {
            if ready { now.push(span) } else { later.push(span) }
        }
        self.waiting = later;
        for trace in Trace::group(now) {
            self.writer.write_all(render_text(&trace, &self.style).as_bytes())?;
        }
        self.writer.flush()
    }

    fn add(&mut self, batch: Vec<SpanData>) -> io::Result<()> {
        self.waiting.extend(batch);
        let complete: std::collections::HashSet<_> = self
            .waiting
            .iter()
            .filter(|span| span.parent_span_id == SpanId::INVALID || span.parent_span_is_remote)
            .map(|span| span.span_context.trace_id())
            .collect();
        self.print(|_, span| complete.contains(&span.span_context.trace_id()))?;
        while self.waiting.len() > self.limit {
            let oldest = self.waiting[0].span_context.trace_id();
            self.print(|_, span| span.span_context.trace_id() == oldest)?;
        }
        Ok(())
    }
}

fn failed(error: &io::Error) -> OTelSdkError {
    OTelSdkError::InternalFailure(format!("the trace could not be printed: {error}"))
}

impl SpanExporter for ConsoleExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.with(|state| state.add(batch)).map_err(|error| failed(&error))
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.with(|state| state.print(|_, _| true)).map_err(|error| failed(&error))
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        self.force_flush()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::tests::span;
    use super::*;
    use opentelemetry::KeyValue;
    use opentelemetry::trace::{Event, Status};
    use std::sync::Arc;

    fn example() -> Vec<SpanData> {
        let mut call = span(3, 2, "binance /api/v3/klines", 100, 640);
        call.span_kind = SpanKind::Client;
        call.attributes =
            vec![KeyValue::new("crypto.symbol", "BTCUSDT"), KeyValue::new("crypto.operation_type", "api_call")];
        let mut failed = span(4, 2, "binance /api/v3/depth", 640, 900);
        failed.attributes = vec![KeyValue::new("error.type", "503")];
        failed.status = Status::error("the exchange answered 503");
        let mut dropped = span(5, 1, "ingest trades", 900, 950);
        dropped.attributes = vec![KeyValue::new("otelier.cancelled", true)];
        let mut root = span(1, 0, "workflow daily", 0, 1000);
        root.events.events.push(Event::new(
            "started",
            root.start_time + Duration::from_micros(2),
            vec![KeyValue::new("app.symbols", 2)],
            0,
        ));
        vec![call, failed, span(2, 1, "stage collect", 50, 900), dropped, root]
    }

    fn render(spans: Vec<SpanData>, style: &TextStyle) -> String {
        Trace::group(spans).iter().map(|trace| render_text(trace, style)).collect()
    }

    #[test]
    fn a_tree_shows_names_attributes_errors_events_and_times() {
        let expected = "\
trace 00000000000000000000000000000001  5 spans, 1 error, 1.00 ms
workflow daily                                        1.00 ms ▕████████████████▏
   · started symbols=2 +2.00 µs
├─ stage collect                                       850 µs ▕██████████████  ▏
│  ├─ binance /api/v3/klines symbol=BTCUSDT            540 µs ▕ █████████      ▏
│  ╰─ binance /api/v3/depth                            260 µs ▕          ████  ▏
│        ✗ 503: the exchange answered 503
╰─ ingest trades                                      50.0 µs ▕              ▏ ▏
      ✗ cancelled: dropped before it was ready
";
        assert_eq!(render(example(), &TextStyle::default().with_width(80)), expected);
    }

    #[test]
    fn a_panic_shows_what_it_said() {
        let mut panicked = span(1, 0, "divide", 0, 10);
        panicked.attributes = vec![KeyValue::new("error.type", "panic")];
        panicked.status = Status::error("panicked");
        let mut spans = vec![panicked];
        assert!(render(spans.clone(), &TextStyle::default()).contains("✗ panic: panicked\n"));
        let said = vec![KeyValue::new("exception.message", "attempt to divide by zero")];
        let exception = Event::new("exception", spans[0].start_time, said, 0);
        spans[0].events.events.push(exception);
        assert!(render(spans, &TextStyle::default()).contains("✗ panic: attempt to divide by zero\n"));
    }

    #[test]
    fn a_failure_without_a_text_is_its_type() {
        let mut missing = span(1, 0, "find", 0, 10);
        missing.attributes = vec![KeyValue::new("error.type", "not_found")];
        missing.status = Status::error("");
        assert!(render(vec![missing], &TextStyle::default()).contains("✗ not_found\n"));
    }

    #[test]
    fn a_request_from_elsewhere_shows_its_side_its_answer_and_where_its_parent_is() {
        let mut served = span(2, 1, "GET /orders/{id}", 0, 10);
        served.span_kind = SpanKind::Server;
        let path = "/orders/of-a-long-name-that-leaves-little-room";
        served.attributes = vec![
            KeyValue::new("http.request.method", "GET"),
            KeyValue::new("url.path", path),
            KeyValue::new("http.response.status_code", 200),
        ];
        let text = render(vec![served], &TextStyle::default().with_width(90));
        assert!(text.contains("GET /orders/{id} server status_code=200 … (parent elsewhere)  "), "{text}");
    }

    #[test]
    fn a_request_that_ends_early_says_where() {
        let mut unread = span(1, 0, "GET", 0, 10);
        unread.attributes = vec![
            KeyValue::new("otelier.cancelled", true),
            KeyValue::new("otelier.http.cancelled_in", "body"),
            KeyValue::new("url.full", "http://127.0.0.1:8080/orders/7/lines"),
        ];
        let text = render(vec![unread], &TextStyle::default());
        assert!(text.contains("full=http://127.0.0.1:8080/orders/7/lines  "), "{text}");
        assert!(text.contains("✗ cancelled: the answer's body was not read to its end\n"), "{text}");
        assert_eq!(text.matches("body").count(), 1, "{text}");
    }

    #[test]
    fn events_that_do_not_fit_into_one_line_have_one_each_and_the_rest_is_counted() {
        let mut root = span(1, 0, "root", 0, 100);
        for number in 0..10 {
            let event = Event::new(format!("event {number}"), root.start_time, vec![], 0);
            root.events.events.push(event);
        }
        let text = render(vec![root.clone()], &TextStyle::default().with_width(60));
        assert!(text.contains("   · event 0 +0 ns\n   · event 1 +0 ns\n"), "{text}");
        assert!(text.ends_with("   · event 7 +0 ns\n   … 2 more events\n"), "{text}");
        let wide = render(vec![root], &TextStyle::default().with_width(200));
        assert!(wide.contains("· event 8 +0 ns · event 9 +0 ns\n"), "{wide}");
    }

    #[test]
    fn without_colour_there_are_no_escapes_and_with_it_there_are() {
        assert!(!render(example(), &TextStyle::default()).contains('\x1b'));
        assert!(render(example(), &TextStyle::default().with_color(true)).contains("\x1b[31m"));
    }

    #[test]
    fn no_line_is_wider_than_asked() {
        for width in [40, 60, 100] {
            let text = render(example(), &TextStyle::default().with_width(width));
            assert!(text.lines().all(|line| line.chars().count() <= width), "{text}");
        }
    }

    #[test]
    fn hostile_names_cannot_steer_the_terminal() {
        let text = render(vec![span(1, 0, "evil\x1b]0;title\x07\r\u{202e}", 0, 1)], &TextStyle::default());
        assert!(!text.contains(['\x1b', '\x07', '\r', '\u{202e}']));
    }

    #[test]
    fn long_runs_of_equal_siblings_are_summed_up() {
        let mut spans: Vec<_> = (2..=40).map(|id| span(id, 1, "row", id * 10, id * 10 + id)).collect();
        spans.push(span(1, 0, "root", 0, 1000));
        let text = render(spans, &TextStyle::default().with_max_siblings(3));
        assert_eq!(text.lines().count(), 6);
        assert!(text.contains("╰─ … 36 more `row`, 5.00 µs to 40.0 µs"), "{text}");
    }

    #[test]
    fn ten_thousand_levels_do_not_overflow() {
        let spans = (1..=10_000).map(|id| span(id, id - 1, "level", id, 100_000 - id)).collect();
        assert_eq!(render(spans, &TextStyle::default()).lines().count(), 10_001);
    }

    #[test]
    fn colours_follow_the_environment() {
        let style = |variables: &[(&str, &str)], terminal| {
            TextStyle::from_variables(
                |name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()),
                terminal,
            )
        };
        assert!(style(&[], true).color && !style(&[], false).color);
        assert!(!style(&[("NO_COLOR", "1")], true).color);
        assert!(style(&[("CLICOLOR_FORCE", "1")], false).color);
        assert_eq!(style(&[("COLUMNS", "1000")], true).width, 200);
        assert_eq!(style(&[("COLUMNS", "x")], true).width, 100);
    }

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Shared {
        fn lines(&self) -> usize {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap().lines().count()
        }
    }

    fn export(exporter: &ConsoleExporter, spans: Vec<SpanData>) {
        let mut future = std::pin::pin!(exporter.export(spans));
        let mut task = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(matches!(future.as_mut().poll(&mut task), std::task::Poll::Ready(Ok(()))));
    }

    #[test]
    fn a_trace_is_printed_when_its_root_has_ended_and_the_rest_at_shutdown() {
        let output = Shared::default();
        let exporter = ConsoleExporter::to_writer(output.clone(), TextStyle::default());
        export(&exporter, vec![span(2, 1, "child", 1, 2)]);
        assert_eq!(output.lines(), 0);
        export(&exporter, vec![span(1, 0, "root", 0, 3)]);
        assert_eq!(output.lines(), 3);
        export(&exporter, vec![span(9, 1, "late", 1, 2)]);
        assert_eq!(output.lines(), 3);
        exporter.shutdown().unwrap();
        assert_eq!(output.lines(), 5);
    }

    #[test]
    fn waiting_spans_are_bounded() {
        let output = Shared::default();
        let exporter = ConsoleExporter::to_writer(output.clone(), TextStyle::default());
        export(&exporter, (0..10_001).map(|id| span(id + 2, 1, "child", id, id + 1)).collect());
        assert!(output.lines() > 0);
    }
}
