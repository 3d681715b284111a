//! What our own keys must be to each other.

use super::super::check::Checker;
use super::super::describe::Section;
use super::super::values::{length_of_time, nanoseconds};
use super::super::{Node, Retry};
use std::time::Duration;

pub(super) fn section(path: &str, node: &Node, section: &Section, checker: &mut Checker) {
    match section.name {
        "OtelierRetry" => backoff(path, node, checker),
        "OtelierDiskBuffer" => not_empty(path, node, "directory", "a path", checker),
        "OtelierOtlpFileExporter" | "OtelierOtlpFileMetricExporter" => file(path, node, checker),
        "OtelierOpenObserveExporter" | "OtelierOpenObserveMetricExporter" => {
            not_empty(path, node, "organization", "its name", checker);
            not_empty(path, node, "stream", "its name", checker);
            credentials(path, node, checker);
        }
        "OtelierTempoExporter" => {
            not_empty(path, node, "tenant", "its name", checker);
            credentials(path, node, checker);
        }
        "OtelierCollectorExporter" | "OtelierCollectorMetricExporter" | "OtelierJaegerExporter" => {
            credentials(path, node, checker);
        }
        _ => {}
    }
}

fn given<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    node.get(key).filter(|node| !node.is_null())
}

/// The first pause is not longer than the longest.
fn backoff(path: &str, node: &Node, checker: &mut Checker) {
    let usual = Retry::default();
    let value = |key, usual: Duration| match given(node, key) {
        Some(node) => nanoseconds(node, "ms").map(|value| (value, Some(node))),
        None => Some((usual.as_nanos().try_into().unwrap_or(u64::MAX), None)),
    };
    let (Some((first, at_first)), Some((longest, at_longest))) =
        (value("initial_backoff", usual.initial_backoff), value("max_backoff", usual.max_backoff))
    else {
        return;
    };
    let Some(at) = at_longest.or(at_first).filter(|_| first > longest) else { return };
    let (first, longest) = (length_of_time(first), length_of_time(longest));
    let problem = at.origin.problem(format_args!(
        "`{path}.max_backoff` is `{longest}` and `{path}.initial_backoff` is `{first}`; expected a first pause that is not \
         longer than the longest"
    ));
    let other =
        if at_longest.is_none() { Some("max_backoff") } else { at_first.is_none().then_some("initial_backoff") };
    checker.report(match other {
        Some(other) => problem.help(format_args!("`{other}` has its default; write it as well")),
        None => problem,
    });
}

fn not_empty(path: &str, node: &Node, key: &str, expected: &str, checker: &mut Checker) {
    if let Some(node) = given(node, key).filter(|node| node.as_text() == Some("")) {
        checker.report(node.origin.problem(format_args!("`{path}.{key}` is empty; expected {expected}")));
    }
}

/// A path, which `output_stream` of the specification's exporter of files is not.
fn file(path: &str, node: &Node, checker: &mut Checker) {
    not_empty(path, node, "path", "a path", checker);
    let Some((node, text)) = given(node, "path").and_then(|node| Some((node, node.as_text()?))) else { return };
    let what = if text == "stdout" { "standard output cannot be rotated" } else { "this is a URL" };
    if text == "stdout" || text.starts_with("file:") {
        let problem = node.origin.problem(format_args!("`{path}.path` is `{text}`; expected a path"));
        checker.report(problem.help(format_args!("{what}; `otlp_file/development` has `output_stream` for it")));
    }
}

/// A user has a password, and a token goes without both. What they are is not shown.
fn credentials(path: &str, node: &Node, checker: &mut Checker) {
    super::pair(path, node, ["user", "password"], checker);
    if let (Some(token), Some(_)) = (given(node, "token"), given(node, "user")) {
        checker.report(token.origin.problem(format_args!(
            "`{path}.token` is given and `{path}.user`, too; expected a token, or a user and a password"
        )));
    }
    let is_wrong = |text: &str| text.contains(char::is_control);
    for (key, wrong, expected) in [
        ("user", (|text| text.is_empty() || text.contains(':')) as fn(&str) -> bool, "a name without a colon"),
        ("password", |_| false, "text in one line"),
        ("token", |text| text.trim().is_empty(), "text in one line"),
    ] {
        let Some((node, text)) = given(node, key).and_then(|node| Some((node, node.as_text()?))) else { continue };
        if wrong(text) || is_wrong(text) {
            checker.report(node.origin.problem(format_args!("`{path}.{key}` cannot be sent; expected {expected}")));
        }
    }
}
