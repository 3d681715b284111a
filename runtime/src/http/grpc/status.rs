//! Status codes of gRPC, and which of them are failures of whom.

use ::http::HeaderMap;
use ::http::StatusCode;
use otelier_spec::GRPC_STATUSES;
use std::time::Duration;

/// A status code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code(u8);

impl Code {
    pub(super) const CANCELLED: Self = Self(1);
    pub(super) const UNKNOWN: Self = Self(2);
    pub(super) const DEADLINE_EXCEEDED: Self = Self(4);
    pub(super) const UNIMPLEMENTED: Self = Self(12);

    /// What headers or trailers say. A number that means nothing is read as unknown, as implementations of gRPC do.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get("grpc-status")?.as_bytes();
        let is_number = text.iter().all(u8::is_ascii_digit);
        let number = std::str::from_utf8(text).ok().filter(|_| is_number).and_then(|text| text.parse::<u8>().ok());
        Some(number.filter(|number| usize::from(*number) < GRPC_STATUSES.len()).map_or(Self::UNKNOWN, Self))
    }

    /// What an answer of HTTP stands for that is none of gRPC: somebody between has answered.
    pub(super) fn of_http(status: StatusCode) -> Self {
        Self(match status.as_u16() {
            400 => 13,
            401 => 16,
            403 => 7,
            404 => 12,
            429 | 502 | 503 | 504 => 14,
            _ => 2,
        })
    }

    /// As `rpc.status_code`.
    pub(super) fn name(self) -> &'static str {
        GRPC_STATUSES[usize::from(self.0)]
    }

    /// Whether it is also what is said by those who stand before a service, and look at no method: who calls is not known or
    /// not allowed to, or there is too much to do.
    pub(super) fn is_refusal(self) -> bool {
        matches!(self.0, 1 | 7 | 8 | 14 | 16)
    }

    /// Every code but OK is an error of a call.
    pub(super) fn is_error_of_client(self) -> bool {
        self.0 != 0
    }

    /// What the server is to blame for.
    pub(super) fn is_error_of_server(self) -> bool {
        matches!(self.0, 2 | 4 | 12..=15)
    }
}

/// `grpc-timeout`: at most eight digits and a unit.
pub(super) fn timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

/// The text of `grpc-message`, whose bytes may be percent-encoded, up to 1,024 of them.
pub(super) fn message(headers: &HeaderMap) -> Option<String> {
    let bytes = headers.get("grpc-message")?.as_bytes();
    let mut bytes = bytes[..bytes.len().min(1024)].iter().copied();
    let mut text = Vec::with_capacity(bytes.len());
    let hex = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let decoded = (byte == b'%').then(|| Some(hex(ahead.next()?)? << 4 | hex(ahead.next()?)?)).flatten();
        if decoded.is_some() {
            bytes = ahead;
        }
        text.push(decoded.unwrap_or(byte));
    }
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// The method in a path, `package.Service/Method`, if it is one.
pub(super) fn method(path: &str) -> Option<&str> {
    const LONGEST: usize = 256;
    let full = path.strip_prefix('/')?;
    let (service, method) = full.split_once('/')?;
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    (full.len() <= LONGEST && is_name(service) && is_name(method)).then_some(full)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::http::HeaderValue;

    fn with(name: &'static str, value: &[u8]) -> HeaderMap {
        HeaderMap::from_iter([(
            ::http::HeaderName::from_static(name),
            HeaderValue::from_bytes(value).expect("a value"),
        )])
    }

    #[test]
    fn codes_have_names_and_nonsense_is_unknown() {
        let name = |value: &str| Code::of(&with("grpc-status", value.as_bytes())).expect("there is one").name();
        assert_eq!((name("0"), name("4"), name("16")), ("OK", "DEADLINE_EXCEEDED", "UNAUTHENTICATED"));
        assert!(["17", "-1", "+0", "x", "", "256", "0 ", "0,0"].iter().all(|nonsense| name(nonsense) == "UNKNOWN"));
        assert_eq!(Code::of(&HeaderMap::new()), None);
        let server: Vec<_> = (0..17).map(Code).filter(|code| code.is_error_of_server()).map(Code::name).collect();
        assert_eq!(server, ["UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"]);
        assert_eq!(Code::of_http(StatusCode::BAD_GATEWAY).name(), "UNAVAILABLE");
    }

    #[test]
    fn a_timeout_has_a_unit_and_few_digits() {
        let of = |value: &str| timeout(&with("grpc-timeout", value.as_bytes()));
        assert_eq!(of("100m"), Some(Duration::from_millis(100)));
        assert_eq!(of("99999999H"), Some(Duration::from_secs(99_999_999 * 3600)));
        for value in ["", "m", "1", "123456789S", "+1S", "1.5S", "1x", "-1S"] {
            assert_eq!(of(value), None, "{value}");
        }
    }

    #[test]
    fn messages_are_decoded_and_short() {
        let of = |value: &[u8]| message(&with("grpc-message", value)).expect("there is one");
        assert_eq!(of(b"caf%C3%A9 %zz %"), "café %zz %");
        assert_eq!(of(&[b'a'; 5000]).len(), 1024);
        assert_eq!(of(b"\xff%ff"), "\u{fffd}\u{fffd}");
    }

    #[test]
    fn only_names_are_methods() {
        assert_eq!(method("/grpc.health.v1.Health/Check"), Some("grpc.health.v1.Health/Check"));
        for path in ["", "/", "/a", "a/b", "//b", "/a/", "/a/b/c", "/a b/c", "/é/b", "/a/b?c"] {
            assert_eq!(method(path), None, "{path}");
        }
        assert_eq!(method(&format!("/a/{}", "b".repeat(300))), None);
    }
}
