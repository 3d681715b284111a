//! Whether this machine's clock agrees with the receiver's, and what spans take the time from.

use super::report::Check;
use super::request::Answer;
use http::header::DATE;
use std::fs;
use std::time::SystemTime;

/// A difference that nobody sees in traces.
const TOLERABLE: f64 = 2.0;

/// Compares our clock with the `Date` of an answer.
pub(super) fn compare(answer: &Answer) -> Check {
    const NAME: &str = "clock";
    let date = answer.headers.get(DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
    let Some(date) = date else {
        return Check::skipped(NAME, "the receiver's answers have no `Date`, so its clock cannot be seen");
    };
    let (least, most) = difference(answer.sent, answer.took.as_secs_f64(), date);
    let found = if least <= 0.0 && most >= 0.0 {
        "no difference to the receiver's clock can be seen".to_owned()
    } else {
        let (near, far) = if least > 0.0 { (least, most) } else { (-most, -least) };
        let way = if least > 0.0 { "behind" } else { "ahead of" };
        format!("this machine is {near:.1} to {far:.1} s {way} the receiver")
    };
    let distance = if least > 0.0 { least } else { (-most).max(0.0) };
    let check = if distance > TOLERABLE {
        let why =
            "Spans of different machines are laid side by side by their clocks: children begin before their parents.";
        Check::warn(NAME, found, why).help("Let this machine's clock follow a time server (`timedatectl status`).")
    } else {
        Check::ok(NAME, found)
    };
    check
        .line("`Date` has whole seconds, so less than one cannot be seen; a proxy may have answered with its own clock")
        .with("receiver_ahead_s", vec![tenths(least), tenths(most)])
}

fn tenths(seconds: f64) -> f64 {
    (seconds * 10.0).round() / 10.0
}

/// The least and the most seconds that the receiver's clock can be ahead of ours.
///
/// It showed `date` or up to a second later, at some moment from when the request was sent to when the answer was there.
fn difference(sent: SystemTime, took: f64, date: SystemTime) -> (f64, f64) {
    let ahead = match date.duration_since(sent) {
        Ok(ahead) => ahead.as_secs_f64(),
        Err(error) => -error.duration().as_secs_f64(),
    };
    (ahead - took, ahead + 1.0)
}

/// What spans take the time from.
pub(super) fn source() -> Check {
    const NAME: &str = "time source";
    let kernel = fs::read_to_string("/sys/devices/system/clocksource/clocksource0/current_clocksource");
    let kernel = kernel.ok().map(|name| super::printable(name.trim().as_bytes()));
    let source = otelier::__private::time_source();
    let shown = kernel.as_deref().map(|kernel| format!("; the kernel keeps time by `{kernel}`")).unwrap_or_default();
    let check = match source {
        "counter" => {
            Check::ok(NAME, format!("spans read the processor's counter, which has one rate everywhere{shown}"))
        }
        _ => {
            let why = "Reading the operating system's clock costs 20 to 50 ns, two times a span, and more in some virtual machines.";
            let check = Check::warn(NAME, format!("spans read the operating system's clock{shown}"), why);
            check.help("Nothing if that is little beside your spans; otherwise a machine whose kernel keeps time by `tsc` (x86-64) or `arch_sys_counter` (AArch64).")
        }
    };
    check.with("source", source).with("kernel", kernel)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::HeaderMap;
    use std::time::{Duration, UNIX_EPOCH};

    fn answer(now: u64, took: u64, date: Option<&str>) -> Answer {
        let mut headers = HeaderMap::new();
        if let Some(date) = date {
            headers.insert(DATE, date.parse().unwrap());
        }
        let sent = UNIX_EPOCH + Duration::from_millis(now);
        Answer { status: 200, grpc: None, headers, body: Bytes::new(), sent, took: Duration::from_millis(took) }
    }

    #[test]
    fn clocks_differ_only_if_no_moment_explains_it() {
        // 784111777 s after the epoch.
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        for (now, took, status, found) in [
            (784_111_777_500, 10, "ok", "no difference"),
            (784_111_778_500, 10, "ok", "0.5 to 1.5 s ahead of the receiver"),
            (784_111_782_500, 10, "warn", "4.5 to 5.5 s ahead of the receiver"),
            (784_111_772_000, 0, "warn", "5.0 to 6.0 s behind the receiver"),
            (784_111_772_000, 9_000, "ok", "no difference"),
        ] {
            let check = compare(&answer(now, took, date));
            assert_eq!(check.status.as_str(), status, "{now}: {:?}", check.found);
            assert!(check.found[0].contains(found), "{now}: {:?}", check.found);
        }
        for date in [None, Some("yesterday")] {
            assert_eq!(compare(&answer(0, 0, date)).status.as_str(), "skipped");
        }
    }
}
