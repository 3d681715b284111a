//! What the reader gets: a heading, the tree of spans, a summary, and a page.

mod figures;
#[cfg(test)]
mod tests;

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use otelier::export::console::{TextStyle, render_text};
use otelier::export::html::{HtmlOptions, render_html};
use otelier::export::tree::{Trace, human_duration};

use crate::exchange::{Exchange, REPLAY_MINUTE};
use crate::pipeline::{Failure, Job, Outcome, WorkflowError};
use crate::source::{Market, Origin};
use crate::telemetry::Traced;
use figures::Figures;

/// Failures that are printed one by one.
const FAILURES_SHOWN: usize = 6;

/// Everything that is known at the end of a run.
#[derive(Debug)]
pub struct Report<'a> {
    /// What was recorded.
    pub traced: &'a Traced,
    /// How the workflow ended.
    pub result: &'a Result<Outcome, WorkflowError>,
    /// What it worked on.
    pub job: &'a Job,
    /// How long it took.
    pub took: Duration,
    /// How to print.
    pub style: TextStyle,
}

/// What is printed before the run: what it does, with which data, and where the results go.
pub fn heading(market: &Market, exchange: &Exchange, job: &Job, weight_limit: u32) -> String {
    let data = match &market.origin {
        Origin::Generated { seed } => {
            format!("GENERATED, not real (seed {seed}); --data DIR replays recordings of a real exchange")
        }
        Origin::Recorded { dir, files, warnings } => {
            let skipped = match warnings.len() {
                0 => String::new(),
                count => format!(", {count} damaged parts skipped"),
            };
            format!("recorded, from {files} files in {}{skipped}", dir.display())
        }
    };
    format!(
        "lakehouse: daily archive of {} symbols: {}\n  data      {data}\n  exchange  http://{}, {weight_limit} request \
         weight a minute (a replayed minute lasts {REPLAY_MINUTE:?})\n  lake      {}\n\n",
        job.symbols.len(),
        job.symbols.join(", "),
        exchange.address(),
        job.lake.root().display(),
    )
}

/// Finds out before the run whether the page can be written after it.
///
/// # Errors
///
/// One sentence that names the file.
pub fn check_writable(file: &Path) -> Result<(), String> {
    let opened = std::fs::OpenOptions::new().create(true).append(true).open(file);
    opened.map(drop).map_err(|error| format!("--html: cannot write `{}`: {error}", file.display()))
}

impl Report<'_> {
    /// The tree and the summary.
    pub fn text(&self) -> String {
        let mut text = match &self.traced.trace {
            Some(trace) => render_text(trace, &self.style),
            None => "no spans were recorded: telemetry is switched off in the environment\n".to_owned(),
        };
        text.push('\n');
        for (label, line) in self.summary() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {label:<11} {line}");
        }
        text
    }

    /// Writes the trace as one page that needs no network.
    ///
    /// # Errors
    ///
    /// One sentence that names the file.
    pub fn write_html(&self, file: &Path) -> Result<(), String> {
        let options = HtmlOptions::default().with_title("daily archive collection").with_service("lakehouse");
        let page = render_html(self.traced.trace.as_slice(), &options);
        std::fs::write(file, page).map_err(|error| format!("--html: cannot write `{}`: {error}", file.display()))
    }

    fn summary(&self) -> Vec<(&'static str, String)> {
        let mut lines = vec![("result", self.outcome_line())];
        let failures = self.failures();
        lines.extend(failures.iter().take(FAILURES_SHOWN).map(|failure| ("failed", failure.to_string())));
        if failures.len() > FAILURES_SHOWN {
            lines.push(("failed", format!("{} more", failures.len() - FAILURES_SHOWN)));
        }
        if let Ok(outcome) = self.result {
            lines.extend(self.outcome_lines(outcome));
        }
        if let Some(trace) = &self.traced.trace {
            lines.extend(trace_lines(trace));
        }
        lines.extend(
            self.traced.stats.exporters.iter().filter(|exporter| exporter.name.starts_with("otlp")).map(|exporter| {
                ("exported", format!("{} {} to {}", exporter.exported, exporter.signal, exporter.name))
            }),
        );
        lines
    }

    fn failures(&self) -> &[Failure] {
        match self.result {
            Ok(outcome) => &outcome.failures,
            Err(WorkflowError::NothingCollected { failures }) => failures,
            Err(_) => &[],
        }
    }

    fn outcome_line(&self) -> String {
        let (all, took) = (self.job.symbols.len(), human_duration(self.took));
        match self.result {
            Ok(outcome) if outcome.failures.is_empty() => format!("success: {all} of {all} symbols in {took}"),
            Ok(outcome) => format!(
                "partial success: {} of {all} symbols archived in {took}, {} work items failed",
                outcome.archived,
                outcome.failures.len()
            ),
            Err(error) => format!("failure after {took}: {error}"),
        }
    }

    fn outcome_lines(&self, outcome: &Outcome) -> Vec<(&'static str, String)> {
        let mut lines = Vec::new();
        let rejected: usize = outcome.rejected.iter().map(|(_, count)| count).sum();
        let reasons: Vec<String> =
            outcome.rejected.iter().map(|(reason, count)| format!("{count} {}", reason.replace('_', " "))).collect();
        let reasons = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) };
        lines.push(("records", format!("{} collected, {rejected} rejected{reasons}", outcome.records)));
        let rate = outcome.records as f64 / self.took.as_secs_f64().max(1e-6);
        lines.push(("throughput", format!("{rate:.0} records/s")));
        let [bronze, silver, gold] = outcome.files;
        let files = bronze + silver + gold;
        let size = outcome.bytes as f64 / 1e6;
        lines.push(("files", format!("{files} written ({bronze} bronze, {silver} silver, {gold} gold), {size:.2} MB")));
        lines
    }
}

fn trace_lines(trace: &Trace) -> Vec<(&'static str, String)> {
    let figures = Figures::of(trace);
    let mut lines = vec![("API calls", figures.calls())];
    if !figures.errors.is_empty() || figures.cancelled > 0 {
        lines.push(("errors", figures.errors()));
    }
    lines.extend(figures.budget().map(|budget| ("rate limit", budget)));
    lines.extend(figures.objective().map(|objective| ("objective", objective)));
    lines.push(("slowest", figures::slowest_path(trace)));
    lines
}
