//! The report as a table, and as JSON.

use otelier::sampling::{Line, Report, Stage, Volume};
use serde_json::{Value, json};
use std::fmt::Write;

const HEAD: [&str; 7] = ["decided by", "traces", "kept", "share", "spans kept", "spans/s", "MB/h"];

pub(super) fn text(report: &Report, skipped: u64) -> String {
    let mut rows = vec![HEAD.map(str::to_owned)];
    rows.extend(report.lines.iter().map(|line| row(name(line), report, &line.seen, &line.kept)));
    rows.push(row("all".to_owned(), report, &report.seen, &report.kept));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; 7] = std::array::from_fn(width);
    let mut text = String::new();
    // Writing to a `String` does not fail.
    for row in &rows {
        let _ = write!(text, "{:<1$}", row[0], widths[0]);
        for (cell, width) in row.iter().zip(widths).skip(1) {
            let _ = write!(text, "  {cell:>width$}");
        }
        text.push('\n');
    }
    let _ = writeln!(text, "\n{} spans of {} traces in {:.1} s", report.spans, report.traces, report.seconds);
    if report.seconds < 1.0 {
        text.push_str("That is less than a second: spans/s and MB/h say little\n");
    }
    for (count, what) in notes(report, skipped) {
        if count > 0 {
            let _ = writeln!(text, "{count} {what}");
        }
    }
    text
}

fn notes(report: &Report, skipped: u64) -> [(u64, &'static str); 5] {
    [
        (report.without_root, "traces entered their process by a span that is not in the input"),
        (report.unfinished, "traces were decided before they were over, after `decide_after`"),
        (report.early, "traces were decided early, because too many were open at a time"),
        (report.late_spans, "spans came after the decision, and followed it"),
        (skipped, "lines were skipped"),
    ]
}

fn name(line: &Line) -> String {
    match (line.stage, &line.rule) {
        (Stage::Tail, Some(rule)) => format!("tail rule `{rule}`"),
        (Stage::Head, Some(rule)) => format!("sampler rule `{rule}`: {}", line.reason),
        (Stage::Head, None) => format!("sampler: {}", line.reason),
        _ => "tail ratio".to_owned(),
    }
}

fn row(name: String, report: &Report, seen: &Volume, kept: &Volume) -> [String; 7] {
    let rate = report.per_second(kept);
    let share = if seen.traces > 0.0 { kept.traces / seen.traces * 100.0 } else { 0.0 };
    [
        name,
        format!("{:.0}", seen.traces),
        format!("{:.0}", kept.traces),
        format!("{share:.1} %"),
        format!("{:.0}", kept.spans),
        format!("{:.2}", rate.spans),
        format!("{:.2}", rate.bytes * 3600.0 / 1e6),
    ]
}

pub(super) fn json(report: &Report, skipped: u64) -> String {
    let volume = |volume: &Volume| json!({ "traces": volume.traces, "spans": volume.spans, "bytes": volume.bytes });
    let rates = |kept: &Volume| {
        let rate = report.per_second(kept);
        json!({ "traces_per_second": rate.traces, "spans_per_second": rate.spans, "bytes_per_second": rate.bytes })
    };
    let line = |line: &Line| {
        let stage = match line.stage {
            Stage::Head => "head",
            _ => "tail",
        };
        json!({
            "stage": stage, "rule": line.rule, "reason": line.reason, "share": line.share(),
            "seen": volume(&line.seen), "kept": volume(&line.kept), "rates": rates(&line.kept),
        })
    };
    let lines: Vec<Value> = report.lines.iter().map(line).collect();
    let all = json!({
        "lines": lines,
        "seen": volume(&report.seen), "kept": volume(&report.kept), "share": report.share(), "rates": rates(&report.kept),
        "seconds": report.seconds, "spans": report.spans, "traces": report.traces,
        "without_root": report.without_root, "unfinished": report.unfinished, "early": report.early,
        "late_spans": report.late_spans, "skipped_lines": skipped,
    });
    format!("{all:#}\n")
}
