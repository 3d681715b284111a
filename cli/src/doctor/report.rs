//! What was checked, for people and for programs.

use serde_json::{Map, Value, json};
use std::fmt::Write;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// It could not be done, or there was nothing to do.
    Skipped,
    Ok,
    Warn,
    Fail,
}

impl Status {
    const ALL: [Self; 4] = [Self::Ok, Self::Warn, Self::Fail, Self::Skipped];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }

    const fn colour(self) -> &'static str {
        match self {
            Self::Skipped => "\x1b[2m",
            Self::Ok => "\x1b[32m",
            Self::Warn => "\x1b[33m",
            Self::Fail => "\x1b[31m",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug)]
pub(crate) struct Check {
    /// What kind of check it is: `connect`.
    pub(crate) name: &'static str,
    pub(crate) status: Status,
    /// What was found; lines.
    pub(crate) found: Vec<String>,
    /// Why it matters; empty if all is well.
    why: String,
    /// What to do about it.
    help: Vec<String>,
    /// What it was done to, and numbers, for programs.
    measured: Map<String, Value>,
}

impl Check {
    fn new(name: &'static str, status: Status, found: impl Into<String>) -> Self {
        let found = found.into().lines().map(str::to_owned).collect();
        Self { name, status, found, why: String::new(), help: Vec::new(), measured: Map::new() }
    }

    pub(crate) fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self::new(name, Status::Ok, found)
    }

    pub(crate) fn skipped(name: &'static str, because: impl Into<String>) -> Self {
        Self::new(name, Status::Skipped, because)
    }

    pub(crate) fn warn(name: &'static str, found: impl Into<String>, why: impl Into<String>) -> Self {
        Self { why: why.into(), ..Self::new(name, Status::Warn, found) }
    }

    pub(crate) fn fail(name: &'static str, found: impl Into<String>, why: impl Into<String>) -> Self {
        Self { why: why.into(), ..Self::new(name, Status::Fail, found) }
    }

    /// Adds something to do.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Adds something that was found.
    pub(crate) fn line(mut self, found: impl Into<String>) -> Self {
        self.found.push(found.into());
        self
    }

    /// Adds a value for programs.
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.measured.insert(key.to_owned(), value.into());
        self
    }
}

/// All that was checked.
#[derive(Debug, Default)]
pub(crate) struct Report {
    checks: Vec<Check>,
}

impl Report {
    pub(crate) fn add(&mut self, check: Check) {
        self.checks.push(check);
    }

    pub(crate) fn extend(&mut self, checks: impl IntoIterator<Item = Check>) {
        self.checks.extend(checks);
    }

    pub(crate) fn append(&mut self, other: Self) {
        self.checks.extend(other.checks);
    }

    /// The worst there is.
    pub(crate) fn status(&self) -> Status {
        self.checks.iter().map(|check| check.status).max().unwrap_or(Status::Skipped)
    }

    fn count(&self, status: Status) -> usize {
        self.checks.iter().filter(|check| check.status == status).count()
    }

    /// For people: a line for what is well, and what to do for the rest.
    pub(crate) fn text(&self, colours: bool) -> String {
        let width = self.checks.iter().map(|check| check.name.len()).max().unwrap_or_default();
        let mut text = String::new();
        for check in &self.checks {
            let status = format!("{:<8}", check.status.as_str());
            let status = if colours { format!("{}{status}\x1b[0m", check.status.colour()) } else { status };
            let found = clean(check.found.first().map(String::as_str).unwrap_or_default());
            // Writing to a `String` does not fail.
            let _ = writeln!(text, "{status} {:<width$}  {found}", check.name);
            let mut line = |label: &str, line: &str| {
                let _ = writeln!(text, "{:indent$}{label}{}", "", clean(line), indent = 9 + width + 2);
            };
            check.found.iter().skip(1).for_each(|found| line("", found));
            if !check.why.is_empty() {
                line("why: ", &check.why);
            }
            check.help.iter().for_each(|help| line("do:  ", help));
        }
        let counts = Status::ALL.map(|status| format!("{} {}", self.count(status), status.as_str()));
        let _ = writeln!(text, "\n{}", counts.join(", "));
        text
    }

    /// For programs.
    pub(crate) fn json(&self, code: u8) -> String {
        let checks: Vec<Value> = self.checks.iter().map(check_json).collect();
        let summary: Map<String, Value> =
            Status::ALL.into_iter().map(|status| (status.as_str().to_owned(), self.count(status).into())).collect();
        let report = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "status": self.status().as_str(),
            "exit_code": code,
            "summary": summary,
            "checks": checks,
        });
        format!("{report:#}\n")
    }
}

/// Without what could steer a terminal: names and values come from files, variables and receivers.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

fn check_json(check: &Check) -> Value {
    json!({
        "name": check.name,
        "status": check.status.as_str(),
        "found": check.found,
        "why": check.why,
        "do": check.help,
        "measured": check.measured,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut report = Report::default();
        report.add(Check::ok("configuration", "as it should be"));
        report.add(Check::warn("lock", "two versions\nof one crate", "They do not see each other.").help("Keep one."));
        report
    }

    #[test]
    fn what_is_well_is_a_line_and_the_rest_says_why_and_what_to_do() {
        let expected = "\
ok       configuration  as it should be
warn     lock           two versions
                        of one crate
                        why: They do not see each other.
                        do:  Keep one.

1 ok, 1 warn, 0 fail, 0 skipped
";
        assert_eq!(report().text(false), expected);
        assert!(report().text(true).contains("\x1b[33mwarn    \x1b[0m lock"));
    }

    #[test]
    fn what_others_say_cannot_steer_a_terminal() {
        let mut report = Report::default();
        report.add(Check::warn("lock", "\x1b[31mred", "why").help("\x07").line("\u{9b}"));
        assert!(!report.text(false).contains(|c: char| c.is_control() && c != '\n'));
    }

    #[test]
    fn a_program_reads_the_same() {
        let json: Value = serde_json::from_str(&report().json(0)).unwrap();
        assert_eq!((&json["status"], &json["summary"]["warn"]), (&json!("warn"), &json!(1)));
        assert_eq!(json["checks"][1]["do"], json!(["Keep one."]));
        assert_eq!(json["checks"][1]["found"], json!(["two versions", "of one crate"]));
    }
}
