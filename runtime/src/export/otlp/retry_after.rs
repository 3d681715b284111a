//! `Retry-After`, as RFC 9110 has it: whole seconds, or a date.

use super::again::plausible;
use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};
use std::time::{Duration, SystemTime};

/// The pause that the receiver asks for. One that cannot be read, is over already, names no time or is given twice counts as
/// none, so that the usual back-off applies.
pub(super) fn pause(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = only(headers, &RETRY_AFTER)?;
    let pause = if text.bytes().all(|byte| byte.is_ascii_digit()) {
        Duration::from_secs(text.parse().ok()?)
    } else {
        let until = httpdate::parse_http_date(text).ok()?;
        // The receiver means its own clock, which may not be ours.
        let date = only(headers, &DATE).and_then(|date| httpdate::parse_http_date(date).ok());
        until.duration_since(date.unwrap_or(now)).ok()?
    };
    plausible(pause)
}

/// The text of a header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &http::HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let text = values.next()?.to_str().ok()?.trim_matches([' ', '\t']);
    (values.next().is_none() && !text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn of(values: &[&[u8]], date: Option<&'static str>) -> Option<u64> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(RETRY_AFTER, HeaderValue::from_bytes(value).unwrap());
        }
        if let Some(date) = date {
            headers.insert(DATE, HeaderValue::from_static(date));
        }
        // 1994-11-06 08:49:37 UTC.
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        pause(&headers, now).map(|pause| pause.as_secs())
    }

    #[test]
    fn seconds_and_dates_are_read() {
        assert_eq!(of(&[b"120"], None), Some(120));
        assert_eq!(of(&[b" 7 "], None), Some(7));
        assert_eq!(of(&[b"86400"], None), Some(86_400));
        for date in ["Sun, 06 Nov 1994 08:50:37 GMT", "Sunday, 06-Nov-94 08:50:37 GMT", "Sun Nov  6 08:50:37 1994"] {
            assert_eq!(of(&[date.as_bytes()], None), Some(60), "{date}");
        }
    }

    #[test]
    fn a_date_is_held_against_the_clock_of_the_receiver_where_it_tells_it() {
        let at = b"Sun, 06 Nov 1994 08:50:37 GMT";
        assert_eq!(of(&[at], Some("Sun, 06 Nov 1994 08:50:30 GMT")), Some(7));
        assert_eq!(of(&[at], Some("some day")), Some(60));
    }

    #[test]
    fn what_makes_no_sense_counts_as_nothing() {
        let hostile: [&[u8]; 16] = [
            b"",
            b" ",
            b"0",
            b"-5",
            b"+5",
            b"1.5",
            b"1e3",
            b"5 s",
            b"86401",
            b"18446744073709551615",
            b"18446744073709551616",
            b"99999999999999999999999999999999",
            b"\xff\xfe",
            b"Sun, 06 Nov 1994 08:49:36 GMT",
            b"Fri, 31 Dec 9999 23:59:59 GMT",
            b"Sun, 99 Foo 1994 08:50:37 GMT",
        ];
        for value in hostile {
            assert_eq!(of(&[value], None), None, "{:?}", String::from_utf8_lossy(value));
        }
        assert_eq!(of(&[b"5", b"6"], None), None);
        assert_eq!(of(&[b"5, 6"], None), None);
        assert_eq!(of(&[], None), None);
    }
}
