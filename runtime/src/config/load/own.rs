//! `distribution.otelier`: settings that only this library has; and its log level.

use super::{cursor::Cursor, tail};
use crate::config::{Correlation, ExceptionSignal, Hooks, OldNames, Telemetry};

pub(super) fn read(root: &Cursor<'_>, telemetry: &mut Telemetry) {
    if let Some(level) = root.get("log_level") {
        // The word has been checked.
        telemetry.log_level = level.text().and_then(|level| level.parse().ok()).unwrap_or_default();
    }
    let Some(own) = root.path(&["distribution", "otelier"]) else { return };
    let switch = |key: &str, to: &mut bool| {
        if let Some(on) = own.get(key).and_then(|switch| switch.bool()) {
            *to = on;
        }
    };
    switch("span_types", &mut telemetry.span_types);
    switch("panic_messages", &mut telemetry.panic_messages);
    switch("span_metrics", &mut telemetry.span_metrics);
    switch("sdk_metrics", &mut telemetry.sdk_metrics);
    for name in own.items("old_names") {
        let text = name.text().unwrap_or_default();
        // The words have been checked.
        telemetry.old_names.extend(OldNames::ALL.into_iter().find(|system| system.as_str() == text));
    }
    match own.get("exception_signal").and_then(|signal| signal.text()) {
        Some("logs") => telemetry.exception_signal = ExceptionSignal::Logs,
        Some("logs/dup") => telemetry.exception_signal = ExceptionSignal::Both,
        _ => {}
    }
    match own.get("hooks").and_then(|hooks| hooks.text()) {
        Some("manual") => telemetry.hooks = Hooks::Manual,
        Some("none") => telemetry.hooks = Hooks::None,
        _ => {}
    }
    if let Some(correlation) = own.get("correlation") {
        read_correlation(&correlation, &mut telemetry.correlation);
    }
    if let Some(timeout) = own.get("shutdown_timeout").and_then(|timeout| timeout.duration()) {
        telemetry.shutdown_timeout = timeout;
    }
    if let Some(tail) = own.get("tail_sampling") {
        telemetry.tail_sampling = Some(tail::read(&tail));
    }
}

fn read_correlation(from: &Cursor<'_>, to: &mut Correlation) {
    if let Some(name) = from.get("header").and_then(|name| name.text()) {
        *to = std::mem::take(to).with_header(name);
    }
    if let Some(accept) = from.get("accept").and_then(|accept| accept.bool()) {
        to.accept = accept;
    }
    if let Some(generate) = from.get("generate").and_then(|generate| generate.bool()) {
        to.generate = generate;
    }
    if from.get("baggage").is_some() {
        to.baggage = from.items("baggage").iter().filter_map(|key| key.text().map(str::to_owned)).collect();
    }
}
