//! Health as JSON. Written by hand, because a library for it would be a dependency of everybody.

use super::{ExporterHealth, Health};
use crate::pipeline::ReceiverStats;
use std::fmt::{self, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

impl Health {
    /// The health as one JSON object on one line. Durations are in seconds, times are of RFC 3339 in UTC, what is not known
    /// is `null`. Later versions may add members.
    ///
    /// ```text
    /// {"status":"degraded","uptime":12.5,
    ///  "pipeline":{"status":"ok","reason":null,"disabled":false,"started":41,"open":1,"dropped":{"refused":0,…}},
    ///  "queue":{"status":"ok","reason":null,"bytes":0,"capacity":1048576,"share":0,"spans":0},
    ///  "sampler":"parent_based(root: always_on)","sampling_factor":null,"sampling_boost":null,
    ///  "exporters":[{"name":"otlp http/protobuf http://localhost:4318/v1/traces","signal":"spans","status":"degraded",
    ///    "reason":"the latest attempt failed: …","exported":40,"failed":1,"rejected":0,"exports":5,"failed_exports":1,
    ///    "success_rate":0.8,"recent_success_rate":0.8,"last_success":"2026-01-01T12:00:00.000Z",
    ///    "last_error":{"at":"2026-01-01T12:00:05.000Z","message":"…"},"busy_for":null}],
    ///  "configuration":{"status":"ok","warnings":[],"last_reload":null,"reload_problem":null},
    ///  "instrumentation":{"call_sites":null,"schemas":null,"hooks":"global","propagated":["traceparent","tracestate"]}}
    /// ```
    pub fn to_json(&self) -> String {
        let mut json = String::with_capacity(1024);
        // A `String` takes everything.
        let _ = self.write(&mut json);
        json
    }

    fn write(&self, to: &mut String) -> fmt::Result {
        write!(to, r#"{{"status":"{}","uptime":"#, self.status)?;
        seconds(to, self.uptime)?;
        let pipeline = &self.pipeline;
        write!(to, r#","pipeline":{{"status":"{}","reason":"#, pipeline.status)?;
        optional_text(to, pipeline.reason.as_deref())?;
        write!(to, r#","disabled":{},"started":{},"open":{}"#, pipeline.disabled, pipeline.started, pipeline.open)?;
        to.write_str(r#","dropped":{"#)?;
        for (number, (reason, count)) in pipeline.dropped.iter().enumerate() {
            let comma = if number > 0 { "," } else { "" };
            write!(to, r#"{comma}"{reason}":{count}"#)?;
        }
        let queue = &self.queue;
        write!(to, r#"}}}},"queue":{{"status":"{}","reason":"#, queue.status)?;
        optional_text(to, queue.reason.as_deref())?;
        write!(to, r#","bytes":{},"capacity":{},"share":{}"#, queue.bytes, queue.capacity, queue.share())?;
        write!(to, r#","spans":{}}},"sampler":"#, queue.spans)?;
        text(to, &self.sampler.to_string())?;
        to.write_str(r#","sampling_factor":"#)?;
        optional(to, self.sampling_factor)?;
        to.write_str(r#","sampling_boost":"#)?;
        optional(to, self.sampling_boost)?;
        to.write_str(r#","exporters":["#)?;
        list(to, &self.exporters, exporter)?;
        let configuration = &self.configuration;
        write!(to, r#"],"configuration":{{"status":"{}","warnings":["#, configuration.status)?;
        list(to, &configuration.warnings, |to, warning| text(to, warning))?;
        to.write_str(r#"],"last_reload":"#)?;
        optional_time(to, configuration.last_reload)?;
        to.write_str(r#","reload_problem":"#)?;
        optional_text(to, configuration.reload_problem.as_deref())?;
        let instrumentation = &self.instrumentation;
        to.write_str(r#"},"instrumentation":{"call_sites":"#)?;
        optional(to, instrumentation.call_sites)?;
        to.write_str(r#","schemas":"#)?;
        optional(to, instrumentation.schemas)?;
        to.write_str(r#","hooks":"#)?;
        text(to, &format!("{:?}", instrumentation.hooks).to_lowercase())?;
        to.write_str(r#","propagated":["#)?;
        list(to, &instrumentation.propagated, |to, field| text(to, field))?;
        to.write_str("]}}")
    }
}

fn exporter(to: &mut String, exporter: &ExporterHealth) -> fmt::Result {
    to.write_str(r#"{"name":"#)?;
    text(to, &exporter.name)?;
    to.write_str(r#","signal":"#)?;
    text(to, &exporter.signal.to_string())?;
    write!(to, r#","status":"{}","reason":"#, exporter.status)?;
    optional_text(to, exporter.reason.as_deref())?;
    let ExporterHealth { exported, failed, rejected, pending, buffered, retries, exports, failed_exports, .. } =
        exporter;
    write!(to, r#","exported":{exported},"failed":{failed},"rejected":{rejected},"pending":{pending}"#)?;
    write!(to, r#","buffered":{buffered},"retries":{retries},"lost":{{"#)?;
    list(to, &exporter.lost, |to, (reason, count)| write!(to, r#""{reason}":{count}"#))?;
    to.write_str(r#"},"receivers":["#)?;
    list(to, &exporter.receivers, receiver)?;
    write!(to, r#"],"exports":{exports}"#)?;
    write!(to, r#","failed_exports":{failed_exports},"success_rate":"#)?;
    optional(to, exporter.success_rate)?;
    to.write_str(r#","recent_success_rate":"#)?;
    optional(to, exporter.recent_success_rate)?;
    to.write_str(r#","last_success":"#)?;
    optional_time(to, exporter.last_success)?;
    to.write_str(r#","last_error":"#)?;
    match &exporter.last_error {
        None => to.write_str("null")?,
        Some((at, message)) => {
            to.write_str(r#"{"at":"#)?;
            optional_time(to, Some(*at))?;
            to.write_str(r#","message":"#)?;
            text(to, message)?;
            to.write_char('}')?;
        }
    }
    to.write_str(r#","busy_for":"#)?;
    match exporter.busy_for {
        None => to.write_str("null")?,
        Some(duration) => seconds(to, duration)?,
    }
    to.write_char('}')
}

fn receiver(to: &mut String, receiver: &ReceiverStats) -> fmt::Result {
    let ReceiverStats { name, breaker, exported, attempts, failed_attempts, is_current } = receiver;
    to.write_str(r#"{"name":"#)?;
    text(to, name)?;
    write!(to, r#","breaker":"{}","exported":{exported},"attempts":{attempts}"#, breaker.as_str())?;
    write!(to, r#","failed_attempts":{failed_attempts},"is_current":{is_current}}}"#)
}

fn list<T>(to: &mut String, items: &[T], mut write: impl FnMut(&mut String, &T) -> fmt::Result) -> fmt::Result {
    for (number, item) in items.iter().enumerate() {
        if number > 0 {
            to.write_char(',')?;
        }
        write(to, item)?;
    }
    Ok(())
}

/// A number that is finite, or nothing.
fn optional(to: &mut String, number: Option<impl fmt::Display>) -> fmt::Result {
    match number {
        None => to.write_str("null"),
        Some(number) => write!(to, "{number}"),
    }
}

fn seconds(to: &mut String, duration: Duration) -> fmt::Result {
    write!(to, "{}", duration.as_millis() as f64 / 1000.0)
}

fn optional_text(to: &mut String, value: Option<&str>) -> fmt::Result {
    match value {
        None => to.write_str("null"),
        Some(value) => text(to, value),
    }
}

fn text(to: &mut String, value: &str) -> fmt::Result {
    to.write_char('"')?;
    for c in value.chars() {
        match c {
            '"' => to.write_str("\\\"")?,
            '\\' => to.write_str("\\\\")?,
            // The control characters, and what ends a line in JavaScript.
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => write!(to, "\\u{:04x}", u32::from(c))?,
            c => to.write_char(c)?,
        }
    }
    to.write_char('"')
}

/// `"2021-10-12T00:28:31.250Z"`
fn optional_time(to: &mut String, time: Option<SystemTime>) -> fmt::Result {
    let Some(time) = time else { return to.write_str("null") };
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    // Days to a date, after Howard Hinnant's `civil_from_days`: years begin in March, so that the leap day comes last.
    let shifted = days + 719_468;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + shifted / 146_097 * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    write!(to, r#""{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z""#, since.subsec_millis())
}

#[cfg(test)]
mod tests {
    use super::{optional_time, text};
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn texts_are_escaped() {
        let mut json = String::new();
        text(&mut json, "a\"b\\c\nd\u{1b}e\u{7f}\u{2028}ü").expect("a string takes everything");
        assert_eq!(json, r#""a\"b\\c\u000ad\u001be\u007f\u2028ü""#);
    }

    #[test]
    fn times_are_of_rfc_3339() {
        for (millis, expected) in [
            (0, r#""1970-01-01T00:00:00.000Z""#),
            (1_633_998_511_250, r#""2021-10-12T00:28:31.250Z""#),
            (951_782_400_000, r#""2000-02-29T00:00:00.000Z""#),
        ] {
            let mut json = String::new();
            optional_time(&mut json, Some(UNIX_EPOCH + Duration::from_millis(millis))).expect("as above");
            assert_eq!(json, expected);
        }
    }
}
