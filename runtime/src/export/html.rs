//! Traces as one HTML page that needs nothing else: no server, no network, no font.
//!
//! Every row is in the page itself, so that it can be read without scripts; the script adds folding, searching, and what a
//! span recorded. Names and values come from anywhere and are escaped wherever they stand.

use super::shown;
use super::tree::{Node, Trace, human_duration};
use opentelemetry::trace::{SpanId, SpanKind, Status};
use opentelemetry::{KeyValue, Value};
use std::fmt::{self, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What the page says beside the traces.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct HtmlOptions {
    /// The page's title; default: the name of the first root span.
    pub title: Option<String>,
    /// The service that made the spans; default: not shown.
    pub service: Option<String>,
}

impl HtmlOptions {
    /// Sets the title.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Sets the name of the service.
    #[must_use]
    pub fn with_service(mut self, service: impl Into<String>) -> Self {
        self.service = Some(service.into());
        self
    }
}

/// Colours of the page; names that begin with the same word share one.
const COLORS: usize = 8;
/// Deeper spans are indented like this one.
const DEEPEST_INDENT: usize = 24;
/// Attributes in a row; all of them are in the panel.
const ROW_ATTRIBUTES: usize = 3;

/// The page.
///
/// ```
/// use otelier::export::html::{HtmlOptions, render_html};
/// use otelier::export::tree::Trace;
///
/// let page = render_html(&Trace::group(Vec::new()), &HtmlOptions::default().with_title("nothing yet"));
/// assert!(page.starts_with("<!doctype html>"));
/// ```
pub fn render_html(traces: &[Trace], options: &HtmlOptions) -> String {
    let mut page = String::new();
    // Writing to a `String` does not fail.
    let _ = write_page(&mut page, traces, options);
    page
}

fn write_page(page: &mut String, traces: &[Trace], options: &HtmlOptions) -> fmt::Result {
    let first = traces.first().and_then(|trace| trace.nodes().first());
    let title = options.title.as_deref().or(first.map(|node| &*node.span.name)).unwrap_or("no spans");
    write!(
        page,
        "<!doctype html>\n<html lang=\"en\" class=\"nojs\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{0}</title><style>\n{1}</style></head>\n<body><header><h1>{0}</h1>",
        Text(title),
        include_str!("page.css"),
    )?;
    write_facts(page, traces, options)?;
    page.push_str(
        "</header>\n<nav aria-label=\"Spans\"><input type=\"search\" placeholder=\"Search names and attributes\" \
         aria-label=\"Search names and attributes\"><label><input type=\"checkbox\" id=\"errors\">errors only</label>\
         <button id=\"collapse\">Collapse all</button><output></output>\
         <span class=\"key\">underlined: the critical path</span></nav>\n<main><div class=\"list\">",
    );
    let mut colors = Vec::new();
    for trace in traces {
        write_trace(page, trace, &mut colors)?;
    }
    page.push_str(
        "</div><aside aria-live=\"polite\" hidden></aside></main>\n<script type=\"application/json\" id=\"spans\">",
    );
    write_data(page, traces)?;
    write!(page, "</script>\n<script>\n{}</script></body></html>\n", include_str!("page.js"))
}

fn write_facts(page: &mut String, traces: &[Trace], options: &HtmlOptions) -> fmt::Result {
    let spans: usize = traces.iter().map(|trace| trace.nodes().len()).sum();
    let errors: usize = traces.iter().map(Trace::errors).sum();
    let start = traces.iter().map(Trace::start).min();
    let longest = traces.iter().map(Trace::duration).max().unwrap_or_default();
    let mut facts = vec![("duration", human_duration(longest), ""), ("spans", spans.to_string(), "")];
    facts.push(("errors", errors.to_string(), if errors > 0 { " bad" } else { "" }));
    if traces.len() != 1 {
        facts.push(("traces", traces.len().to_string(), ""));
    }
    facts.extend(options.service.clone().map(|service| ("service", service, "")));
    facts.extend(start.map(|start| ("start", utc(start), "")));
    page.push_str("<dl class=\"facts\">");
    for (name, value, class) in facts {
        write!(page, "<div><dt>{name}</dt><dd class=\"num{class}\">{}</dd></div>", Text(&value))?;
    }
    page.push_str("</dl>");
    Ok(())
}

fn write_trace(page: &mut String, trace: &Trace, colors: &mut Vec<String>) -> fmt::Result {
    write!(page, "<h2>Trace <code>{}</code></h2><div class=\"ax\"><div></div><div class=\"b\">", trace.id())?;
    let total = trace.duration();
    for quarter in 0..4 {
        let at = if quarter == 0 { "0".to_owned() } else { human_duration(total * quarter / 4) };
        write!(page, "<i style=\"--l:{}\">{at}</i>", quarter * 25)?;
    }
    page.push_str("</div></div><div role=\"treegrid\" aria-label=\"Spans of the trace\">\n");
    for at in 0..trace.nodes().len() {
        write_row(page, trace, at, colors)?;
    }
    page.push_str("</div>");
    Ok(())
}

fn write_row(page: &mut String, trace: &Trace, at: usize, colors: &mut Vec<String>) -> fmt::Result {
    let node = &trace.nodes()[at];
    let total = trace.duration().as_secs_f64().max(f64::MIN_POSITIVE);
    let left = since(node.span.start_time, trace.start()).as_secs_f64() / total * 100.0;
    let width = node.duration().as_secs_f64() / total * 100.0;
    let label = match () {
        () if left + width < 86.0 => "after",
        () if left > 14.0 => "before",
        () => "inside",
    };
    let mut class = format!("r {label}");
    for (set, name) in [(node.is_error(), " err"), (node.is_cancelled(), " can"), (node.critical, " crit")] {
        class.push_str(if set { name } else { "" });
    }
    let leaf = node.children.is_empty();
    let expanded = if leaf { "" } else { " aria-expanded=\"true\"" };
    write!(
        page,
        "<div class=\"{class}\" role=\"row\" tabindex=\"-1\" aria-selected=\"false\" aria-level=\"{}\"{expanded} \
         style=\"--d:{};--l:{left:.3};--w:{width:.3};--c:var(--c{})\"><div class=\"n\" role=\"gridcell\">\
         <button class=\"t{}\" tabindex=\"-1\" aria-label=\"Fold\"></button><span class=\"nm\">{}</span>",
        node.depth + 1,
        node.depth.min(DEEPEST_INDENT),
        color(&node.span.name, colors),
        if leaf { " leaf" } else { "" },
        Text(&node.span.name),
    )?;
    let attributes = row_attributes(trace, at);
    if !attributes.is_empty() {
        write!(page, "<span class=\"at\">{}</span>", Text(&attributes))?;
    }
    if node.is_error() {
        let error = node.attribute("error.type").map_or_else(|| "error".to_owned(), Value::to_string);
        write!(page, "<span class=\"badge\">{}</span>", Text(error.rsplit("::").next().unwrap_or("error")))?;
    } else if node.is_cancelled() {
        page.push_str("<span class=\"badge\">cancelled</span>");
    }
    writeln!(
        page,
        "</div><div class=\"b\" role=\"gridcell\"><div class=\"bar\" title=\"{0}: {1}\"></div>\
         <span class=\"du\">{1}</span></div></div>",
        Text(&node.span.name),
        human_duration(node.duration()),
    )
}

/// The colour of a name: the same for all names that begin with the same word.
fn color(name: &str, colors: &mut Vec<String>) -> usize {
    let word = name.split(' ').next().unwrap_or_default();
    let at = colors.iter().position(|known| known == word).unwrap_or_else(|| {
        colors.push(word.to_owned());
        colors.len() - 1
    });
    at % COLORS
}

/// The first attributes that the name does not say already, for the row.
fn row_attributes(trace: &Trace, at: usize) -> String {
    let attributes = shown::attributes(trace, at);
    let short = |(key, value): &(&str, String)| format!("{key}={}", value.chars().take(32).collect::<String>());
    let side = shown::side(&trace.nodes()[at]).map(str::to_owned);
    let shown: Vec<String> = side.into_iter().chain(attributes.iter().take(ROW_ATTRIBUTES).map(short)).collect();
    shown.join(" ")
}

fn write_data(page: &mut String, traces: &[Trace]) -> fmt::Result {
    page.push('[');
    let mut before = 0;
    for trace in traces {
        for (at, node) in trace.nodes().iter().enumerate() {
            if before + at > 0 {
                page.push(',');
            }
            write_span(page, trace, at, node, before)?;
        }
        before += trace.nodes().len();
    }
    page.push(']');
    Ok(())
}

/// One span for the script; `before` is how many spans the traces in front have.
fn write_span(page: &mut String, trace: &Trace, at: usize, node: &Node, before: usize) -> fmt::Result {
    let span = &node.span;
    let (status, message) = match &span.status {
        Status::Error { description } => ("error", &**description),
        Status::Ok => ("ok", ""),
        Status::Unset => ("unset", ""),
    };
    let kind = match span.span_kind {
        SpanKind::Client => "client",
        SpanKind::Server => "server",
        SpanKind::Producer => "producer",
        SpanKind::Consumer => "consumer",
        SpanKind::Internal => "internal",
    };
    let parent = node.parent.map_or(-1, |parent| (parent + before) as i64);
    let parent_id =
        if span.parent_span_id == SpanId::INVALID { String::new() } else { span.parent_span_id.to_string() };
    write!(
        page,
        "{{\"n\":{},\"p\":{parent},\"z\":{},\"k\":{},\"e\":{},\"d\":{},\"s\":{},\"o\":{},\"y\":\"{kind}\",\"t\":\"{status}\",\
         \"m\":{},\"r\":\"{}\",\"i\":\"{}\",\"q\":\"{parent_id}\",\"a\":",
        Json(&span.name),
        node.depth,
        !node.children.is_empty(),
        node.is_error(),
        Json(&human_duration(node.duration())),
        Json(&human_duration(since(span.start_time, trace.start()))),
        Json(&human_duration(trace.self_time(at))),
        Json(message),
        trace.id(),
        span.span_context.span_id(),
    )?;
    write_list(
        page,
        span.attributes.iter().map(|KeyValue { key, value, .. }| {
            format!("[{},\"{}\",{}]", Json(key.as_str()), type_name(value), Json(&value.to_string()))
        }),
    );
    page.push_str(",\"v\":");
    write_list(
        page,
        span.events.iter().map(|event| {
            let mut attributes = String::new();
            write_list(
                &mut attributes,
                event.attributes.iter().map(|attribute| {
                    format!("[{},{}]", Json(attribute.key.as_str()), Json(&attribute.value.to_string()))
                }),
            );
            let after = human_duration(since(event.timestamp, span.start_time));
            format!("[{},{},{attributes}]", Json(&event.name), Json(&after))
        }),
    );
    page.push_str(",\"l\":");
    write_list(
        page,
        span.links
            .iter()
            .map(|link| format!("[\"{}\",\"{}\"]", link.span_context.trace_id(), link.span_context.span_id())),
    );
    page.push('}');
    Ok(())
}

fn write_list(page: &mut String, items: impl Iterator<Item = String>) {
    let items: Vec<String> = items.collect();
    page.push('[');
    page.push_str(&items.join(","));
    page.push(']');
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "boolean",
        Value::I64(_) => "int",
        Value::F64(_) => "double",
        Value::String(_) => "string",
        _ => "list",
    }
}

fn since(later: SystemTime, earlier: SystemTime) -> Duration {
    later.duration_since(earlier).unwrap_or_default()
}

/// `2021-10-12 00:28:31 UTC`
fn utc(time: SystemTime) -> String {
    let seconds = since(time, UNIX_EPOCH).as_secs();
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Days to a date, after Howard Hinnant's `civil_from_days`: years begin in March, so that the leap day comes last.
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// Text for HTML, also inside of quotes.
struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c if c.is_control() => f.write_char(char::REPLACEMENT_CHARACTER)?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// A JSON string that may stand in a `<script>`: nothing in it can end the element.
struct Json<'a>(&'a str);

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => write!(f, "\\u{:04x}", u32::from(c))?,
                c if c.is_control() => write!(f, "\\u{:04x}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::tests::span;
    use super::*;

    const HOSTILE: &str = "</script><img src=x onerror=alert(1)>\"'&\u{2028}";

    fn page(spans: Vec<opentelemetry_sdk::trace::SpanData>) -> String {
        render_html(&Trace::group(spans), &HtmlOptions::default().with_service("shop"))
    }

    #[test]
    fn every_span_has_a_row_and_its_data() {
        let mut child = span(2, 1, "child", 250, 500);
        child.attributes.push(KeyValue::new("app.rows", 7));
        let page = page(vec![span(1, 0, "root", 0, 1000), child]);
        assert_eq!(page.matches("role=\"row\"").count(), 2);
        assert!(page.contains("--d:1;--l:25.000;--w:25.000"));
        assert!(page.contains("<span class=\"at\">rows=7</span>"));
        assert!(page.contains("[\"app.rows\",\"int\",\"7\"]"));
        assert!(page.contains("<title>root</title>") && page.contains("shop"));
    }

    #[test]
    fn hostile_names_values_and_titles_are_inert() {
        let mut evil = span(1, 0, HOSTILE, 0, 1);
        evil.attributes.push(KeyValue::new(HOSTILE, HOSTILE));
        evil.status = Status::error(HOSTILE);
        evil.events.events.push(opentelemetry::trace::Event::new(
            HOSTILE,
            evil.start_time,
            vec![KeyValue::new(HOSTILE, HOSTILE)],
            0,
        ));
        let page = page(vec![evil]);
        assert!(!page.contains("<img"));
        assert_eq!(page.matches("</script>").count(), 2);
        assert!(!page.contains("alert(1)>\""));
    }

    #[test]
    fn nothing_is_loaded_from_elsewhere() {
        let page = page(vec![span(1, 0, "root", 0, 1)]);
        assert!(page.contains("default-src 'none'"));
        assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("src="));
    }

    #[test]
    fn errors_and_cancelled_spans_are_marked() {
        let mut failed = span(2, 1, "failed", 0, 1);
        failed.status = Status::error("no");
        failed.attributes.push(KeyValue::new("error.type", "shop::NoStock"));
        let mut dropped = span(3, 1, "dropped", 1, 2);
        dropped.attributes.push(KeyValue::new("otelier.cancelled", true));
        let page = page(vec![span(1, 0, "root", 0, 3), failed, dropped]);
        assert!(page.contains("<span class=\"badge\">NoStock</span>"));
        assert!(page.contains("<span class=\"badge\">cancelled</span>"));
        assert!(page.contains("<dd class=\"num bad\">1</dd>"));
    }

    #[test]
    fn an_empty_page_and_deep_nesting_are_fine() {
        assert!(page(Vec::new()).contains("no spans"));
        let page = page((1..=10_000).map(|id| span(id, id - 1, "level", id, 100_000 - id)).collect());
        assert!(page.contains("--d:24;") && !page.contains("--d:25;"));
    }

    #[test]
    fn times_are_shown_in_utc() {
        assert_eq!(utc(UNIX_EPOCH + Duration::from_secs(1_633_998_511)), "2021-10-12 00:28:31 UTC");
        assert_eq!(utc(UNIX_EPOCH + Duration::from_secs(1_709_164_800)), "2024-02-29 00:00:00 UTC");
    }
}
