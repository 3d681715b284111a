//! Log records on the console: one readable line each.

use super::console::harmless;
use super::{Accepted, Batch, Exporter, Exporting, Severity, Signal};
use crate::record::{Event, SpanRecord, Value};
use std::fmt::Write as _;
use std::io::{self, Write as _};

/// Prints log records to standard error, as the console of spans does.
#[derive(Debug)]
pub(crate) struct LogLines;

impl Exporter for LogLines {
    fn name(&self) -> String {
        "ConsoleExporter".to_owned()
    }

    fn signal(&self) -> Signal {
        Signal::Logs
    }

    fn export<'a>(&'a self, batch: &'a Batch) -> Exporting<'a> {
        let lines = lines(batch);
        Box::pin(async move {
            let written = io::stderr().lock().write_all(lines.as_bytes());
            written.map(|()| Accepted::default()).map_err(|error| format!("standard error was not written: {error}"))
        })
    }
}

fn lines(batch: &Batch) -> String {
    let mut lines = String::new();
    batch.records().for_each(|record| record.exceptions(|exception| line(&exception, &record, batch, &mut lines)));
    lines
}

/// `2026-01-02T03:04:05.678Z ERROR exception  exception.type="io::Error" … span=load trace=… span_id=…`.
fn line(exception: &Event<'_>, record: &SpanRecord<'_>, batch: &Batch, to: &mut String) {
    let severity = match Severity::of(record, exception) {
        Severity::Debug => "DEBUG",
        Severity::Warn => "WARN",
        Severity::Error => "ERROR",
    };
    let time = utc(batch.unix_nanos(exception.time));
    // Writing to a `String` does not fail.
    let _ = write!(to, "{time} {severity:<5} {}", harmless(exception.name.as_str()));
    exception.attributes(|key, value| {
        let _ = write!(to, " {}=", harmless(key.as_str()));
        put(value, to);
    });
    let name = record.name();
    let _ = write!(to, " span={}", quoted(&name));
    let _ = writeln!(to, " trace_id={:032x} span_id={:016x}", record.trace_id, record.span_id);
}

/// Text in quotes, with everything escaped that would end them, the line or the terminal's peace.
fn quoted(text: &str) -> String {
    harmless(&format!("{text:?}"))
}

fn put(value: Value<'_>, to: &mut String) {
    let _ = match value {
        Value::Str(text) => write!(to, "{}", quoted(text)),
        Value::Bool(value) => write!(to, "{value}"),
        Value::Int(value) => write!(to, "{value}"),
        Value::Double(value) => write!(to, "{value:?}"),
        Value::List(list) => {
            to.push('[');
            list.values().enumerate().for_each(|(number, value)| {
                to.push_str(if number > 0 { ", " } else { "" });
                put(value, to);
            });
            to.push(']');
            Ok(())
        }
    };
}

/// Nanoseconds since 1970 as `2026-01-02T03:04:05.678Z`.
fn utc(nanos: u64) -> String {
    let (seconds, millis) = (nanos / 1_000_000_000, nanos / 1_000_000 % 1000);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Days are counted in years that begin in March, so that a leap day is the last of its year; 400 of them are an era.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!("{:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{:02}.{millis:03}Z", era * 400 + year, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00.007Z"),
            (951_782_399, "2000-02-28T23:59:59.007Z"),
            (951_782_400, "2000-02-29T00:00:00.007Z"),
            (951_868_800, "2000-03-01T00:00:00.007Z"),
            (1_798_761_599, "2026-12-31T23:59:59.007Z"),
            (4_107_542_400, "2100-03-01T00:00:00.007Z"),
        ] {
            assert_eq!(utc(seconds * 1_000_000_000 + 7_999_999), expected);
        }
    }

    #[test]
    fn text_stays_in_its_quotes_and_steers_no_terminal() {
        assert_eq!(quoted("a\"b\n\u{1b}[31m\u{202e}"), r#""a\"b\n\u{1b}[31m\u{202e}""#);
    }
}
