//! What an answer says of limits.

use ::http::header::{HeaderMap, RETRY_AFTER};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What one answer says of how much is used. Everything that makes no sense is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::http) struct Reading {
    pub(in crate::http) used: Option<u64>,
    pub(in crate::http) limit: Option<u64>,
    /// Orders in the shortest interval that was told.
    pub(in crate::http) orders: Option<u64>,
    pub(in crate::http) window: Option<Duration>,
    pub(in crate::http) resets_at: Option<SystemTime>,
    pub(in crate::http) retry_after: Option<Duration>,
    pub(in crate::http) blocked_until: Option<SystemTime>,
}

impl Reading {
    /// Whether the answer says nothing of limits.
    pub(in crate::http) fn is_empty(&self) -> bool {
        let Self { used, limit, orders, resets_at, retry_after, blocked_until, window: _ } = self;
        used.or(*limit).or(*orders).is_none() && retry_after.is_none() && resets_at.or(*blocked_until).is_none()
    }
}

/// Larger numbers are nonsense.
const LARGEST: u64 = 1_000_000_000_000_000;
/// What begins later than that is nonsense: the longest bans last three days.
const FARTHEST: Duration = Duration::from_secs(7 * 24 * 3600);
/// A longer value is no number.
const LONGEST: usize = 256;

/// Headers that name limit, rest and reset, and what numbers in the last mean if they are no time of day.
const NAMES: [(&str, &str, &str, Duration); 8] = [
    ("x-bapi-limit", "x-bapi-limit-status", "x-bapi-limit-reset-timestamp", Duration::from_millis(1)),
    ("cb-ratelimit-limit", "cb-ratelimit-remaining", "cb-ratelimit-reset", SECOND),
    ("gw-ratelimit-limit", "gw-ratelimit-remaining", "gw-ratelimit-reset", Duration::from_millis(1)),
    (
        "x-gate-ratelimit-limit",
        "x-gate-ratelimit-requests-remain",
        "x-gate-ratelimit-reset-timestamp",
        Duration::from_secs(1),
    ),
    ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", SECOND),
    ("x-rate-limit-limit", "x-rate-limit-remaining", "x-rate-limit-reset", SECOND),
    ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", SECOND),
    ("rate-limit-limit", "rate-limit-remaining", "rate-limit-reset", SECOND),
];
const SECOND: Duration = Duration::from_secs(1);

/// Reads an answer.
pub(in crate::http) fn read(status: u16, headers: &HeaderMap, now: SystemTime) -> Reading {
    let mut reading = Reading::default();
    // Most answers say nothing, and one look at the names tells.
    let may_tell = |name: &::http::HeaderName| {
        let name = name.as_str();
        name.starts_with("x-mbx-") || name == "retry-after" || name.contains("limit")
    };
    if !headers.keys().any(may_tell) {
        return reading;
    }
    binance(headers, &mut reading);
    if reading.used.is_none() {
        triples(headers, now, &mut reading);
    }
    if reading.used.is_none() {
        structured(headers, now, &mut reading);
    }
    reading.retry_after = retry_after(headers, now);
    let refused = status == 429 || status == 418 && (reading.retry_after.is_some() || reading.used.is_some());
    if refused {
        let after = reading.retry_after.and_then(|after| now.checked_add(after));
        reading.blocked_until = after.or(reading.resets_at);
    }
    reading
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let value = headers.get(name)?;
    (value.len() <= LONGEST).then(|| value.to_str().ok()).flatten().map(str::trim)
}

/// A whole number; a fraction behind it is not looked at.
fn number(text: &str) -> Option<u64> {
    let whole = match text.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|digit| digit.is_ascii_digit()) => whole,
        _ => text,
    };
    let is_number = !whole.is_empty() && whole.bytes().all(|digit| digit.is_ascii_digit());
    whole.parse().ok().filter(|number| is_number && *number <= LARGEST)
}

/// `X-MBX-USED-WEIGHT-1M` and `X-MBX-ORDER-COUNT-10S`, as Binance and MEXC have them.
fn binance(headers: &HeaderMap, reading: &mut Reading) {
    const MINUTE: Duration = Duration::from_secs(60);
    let mut best = None::<(Duration, u64)>;
    let mut orders = None::<(Duration, u64)>;
    for (name, value) in headers {
        let Some(rest) = name.as_str().strip_prefix("x-mbx-") else { continue };
        let value = || value.to_str().ok().and_then(|text| number(text.trim()));
        if let Some(window) = rest.strip_prefix("used-weight") {
            let window = if window.is_empty() { Some(MINUTE) } else { window.strip_prefix('-').and_then(interval) };
            // The pack's attribute counts minutes.
            if let (Some(window), Some(value)) = (window, value())
                && best.is_none_or(|(known, _)| known != MINUTE && (window == MINUTE || window < known))
            {
                best = Some((window, value));
            }
        } else if let Some(window) = rest.strip_prefix("order-count-").and_then(interval)
            && let Some(value) = value()
            && orders.is_none_or(|(known, _)| window < known)
        {
            orders = Some((window, value));
        }
    }
    if let Some((window, used)) = best {
        (reading.used, reading.window) = (Some(used), Some(window));
    }
    reading.orders = orders.map(|(_, orders)| orders);
}

/// `1m`, `10s`.
fn interval(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 24 * 3600,
        _ => return None,
    };
    let window = Duration::from_secs(number(digits)?.checked_mul(seconds)?);
    (!window.is_zero() && window <= FARTHEST).then_some(window)
}

fn triples(headers: &HeaderMap, now: SystemTime, reading: &mut Reading) {
    for (limit, rest, reset, unit) in NAMES {
        let (Some(limit), rest) = (text(headers, limit), text(headers, rest).and_then(number)) else { continue };
        // `100, 100;w=60`: the first is what counts, and the policies behind it tell the window.
        let first = limit.split([',', ';']).next().unwrap_or_default().trim();
        let Some(limit_number) = number(first).filter(|limit| *limit > 0) else { continue };
        reading.limit = Some(limit_number);
        reading.used = rest.map(|rest| limit_number.saturating_sub(rest));
        reading.window = parameter(limit, "w").and_then(seconds);
        reading.resets_at = text(headers, reset).and_then(number).and_then(|reset| moment(reset, unit, now));
        return;
    }
}

/// `RateLimit` of the IETF's drafts: `"default";r=50;t=30` with `RateLimit-Policy`, or `limit=100, remaining=50, reset=30`.
fn structured(headers: &HeaderMap, now: SystemTime, reading: &mut Reading) {
    let Some(value) = text(headers, "ratelimit") else { return };
    let policy = text(headers, "ratelimit-policy").unwrap_or_default();
    let find = |short, long| parameter(value, short).or_else(|| parameter(value, long)).and_then(number);
    let limit = find("q", "limit").or_else(|| parameter(policy, "q").and_then(number)).filter(|limit| *limit > 0);
    reading.limit = limit;
    reading.used = limit.zip(find("r", "remaining")).map(|(limit, rest)| limit.saturating_sub(rest));
    reading.window = parameter(policy, "w").and_then(seconds);
    reading.resets_at = find("t", "reset").and_then(|reset| moment(reset, SECOND, now));
}

/// The first `name=value` of a list of items with parameters.
fn parameter<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = text.split([',', ';']).filter_map(|part| part.split_once('='));
    pairs.find(|(key, _)| key.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

fn seconds(text: &str) -> Option<Duration> {
    number(text).map(Duration::from_secs).filter(|window| !window.is_zero() && *window <= FARTHEST)
}

/// A moment in the near future: seconds or milliseconds of Unix time, or a time from now on.
fn moment(number: u64, unit: Duration, now: SystemTime) -> Option<SystemTime> {
    let at = match number {
        // In 2001 there were so many milliseconds, and in 33658 there will be so many seconds.
        100_000_000_000.. => UNIX_EPOCH.checked_add(Duration::from_millis(number)),
        1_000_000_000.. => UNIX_EPOCH.checked_add(Duration::from_secs(number)),
        _ => now.checked_add(unit.checked_mul(u32::try_from(number).ok()?)?),
    }?;
    let ahead = at.duration_since(now).ok()?;
    (ahead <= FARTHEST).then_some(at)
}

/// `Retry-After`: seconds, or the date of HTTP.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = text(headers, RETRY_AFTER.as_str())?;
    let after = match number(text) {
        Some(seconds) => Duration::from_secs(seconds),
        None => httpdate::parse_http_date(text).ok()?.duration_since(now).ok()?,
    };
    (after <= FARTHEST).then_some(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::http::{HeaderName, HeaderValue};

    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_800_000_000)
    }

    fn of(status: u16, headers: &[(&str, &str)]) -> Reading {
        let pair = |(name, value): &(&str, &str)| {
            Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?))
        };
        read(status, &headers.iter().filter_map(pair).collect(), now())
    }

    fn after(seconds: u64) -> Option<SystemTime> {
        Some(now() + Duration::from_secs(seconds))
    }

    #[test]
    fn binance_tells_the_weight_of_the_minute_and_the_orders() {
        let reading = of(
            200,
            &[
                ("X-MBX-USED-WEIGHT-1H", "9000"),
                ("X-MBX-USED-WEIGHT-1M", "1100"),
                ("X-MBX-USED-WEIGHT-1S", "1"),
                ("X-MBX-ORDER-COUNT-1D", "500"),
                ("X-MBX-ORDER-COUNT-10S", "5"),
            ],
        );
        assert_eq!(
            (reading.used, reading.orders, reading.window),
            (Some(1100), Some(5), Some(Duration::from_secs(60)))
        );
        assert_eq!(of(200, &[("x-mbx-used-weight", "7")]).used, Some(7));
    }

    #[test]
    fn a_refusal_says_until_when() {
        let banned = of(418, &[("Retry-After", "120")]);
        assert_eq!((banned.blocked_until, banned.retry_after), (after(120), Some(Duration::from_secs(120))));
        let date = httpdate::fmt_http_date(now() + Duration::from_secs(30));
        assert_eq!(of(429, &[("retry-after", &date)]).blocked_until, after(30));
        assert_eq!(of(429, &[("ratelimit-limit", "5"), ("ratelimit-reset", "9")]).blocked_until, after(9));
        // A teapot refuses nothing, and a failure is no refusal.
        assert_eq!(of(418, &[]).blocked_until, None);
        assert_eq!(of(503, &[("retry-after", "5")]).blocked_until, None);
        assert!(of(429, &[]).is_empty());
    }

    #[test]
    fn limits_of_other_exchanges_are_read() {
        let bybit = of(
            200,
            &[
                ("X-Bapi-Limit", "100"),
                ("X-Bapi-Limit-Status", "99"),
                ("X-Bapi-Limit-Reset-Timestamp", "1800000002000"),
            ],
        );
        assert_eq!((bybit.used, bybit.limit, bybit.resets_at), (Some(1), Some(100), after(2)));
        let kucoin = of(
            200,
            &[("gw-ratelimit-limit", "500"), ("gw-ratelimit-remaining", "400"), ("gw-ratelimit-reset", "2000")],
        );
        assert_eq!((kucoin.used, kucoin.resets_at), (Some(100), after(2)));
        let bitmex = of(
            200,
            &[("x-ratelimit-limit", "60"), ("x-ratelimit-remaining", "58"), ("x-ratelimit-reset", "1800000001")],
        );
        assert_eq!((bitmex.used, bitmex.resets_at), (Some(2), after(1)));
    }

    #[test]
    fn the_drafts_of_the_ietf_are_read() {
        let new = of(200, &[("RateLimit-Policy", "\"default\";q=100;w=60"), ("RateLimit", "\"default\";r=50;t=30")]);
        let expected = Reading {
            used: Some(50),
            limit: Some(100),
            window: Some(Duration::from_secs(60)),
            resets_at: after(30),
            ..Reading::default()
        };
        assert_eq!(new, expected);
        let seven = of(200, &[("RateLimit", "limit=100, remaining=50, reset=30")]);
        assert_eq!(seven, Reading { window: None, ..expected });
        let old =
            of(200, &[("RateLimit-Limit", "100, 100;w=60"), ("RateLimit-Remaining", "50"), ("RateLimit-Reset", "30")]);
        assert_eq!(old, expected);
    }

    #[test]
    fn nonsense_is_not_read() {
        for value in ["", "-1", "+5", "1e9", "0x10", "99999999999999999999999", "NaN", ";1", "１", " ", "1.x"] {
            for name in ["x-mbx-used-weight-1m", "retry-after", "x-ratelimit-limit", "x-bapi-limit", "ratelimit"] {
                assert!(of(429, &[(name, value)]).is_empty(), "{name}: {value}");
            }
        }
        for name in ["x-mbx-used-weight-", "x-mbx-used-weight-m", "x-mbx-used-weight-0m", "x-mbx-used-weight-99999999d"]
        {
            assert!(of(200, &[(name, "5")]).is_empty(), "{name}");
        }
        let far = "9".repeat(12);
        assert!(of(429, &[("retry-after", &far)]).is_empty());
        assert_eq!(of(429, &[("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT")]).retry_after, None);
        assert_eq!(of(200, &[("x-ratelimit-limit", "0"), ("x-ratelimit-remaining", "1")]).used, None);
        assert_eq!(of(200, &[("x-ratelimit-limit", "5"), ("x-ratelimit-remaining", "9")]).used, Some(0));
        assert!(of(200, &[("ratelimit", &"a=1;".repeat(100))]).is_empty());
    }
}
