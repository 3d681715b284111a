//! Methods and versions as the semantic conventions write them, and headers that are not to be shown.

use ::http::{HeaderName, HeaderValue, Method, Version};

/// `http.request.method`; and `http.request.method_original` where the method is none that the conventions know.
pub(super) fn method(method: &Method) -> (&'static str, Option<&str>) {
    const KNOWN: [&str; 10] = ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "CONNECT", "TRACE", "QUERY"];
    match KNOWN.iter().find(|known| **known == method.as_str()) {
        Some(known) => (known, None),
        None => ("_OTHER", Some(method.as_str())),
    }
}

/// `network.protocol.version`.
pub(super) fn version(version: Version) -> Option<&'static str> {
    match version {
        Version::HTTP_09 => Some("0.9"),
        Version::HTTP_10 => Some("1.0"),
        Version::HTTP_11 => Some("1.1"),
        Version::HTTP_2 => Some("2"),
        Version::HTTP_3 => Some("3"),
        _ => None,
    }
}

/// Whether the values of a header prove who sends them: that is told by a part of its name.
pub(super) fn is_secret(header: &HeaderName) -> bool {
    const PARTS: [&str; 14] = [
        "auth",
        "cookie",
        "credential",
        "csrf",
        "jwt",
        "key",
        "passphrase",
        "passwd",
        "password",
        "secret",
        "session",
        "signature",
        "token",
        "xsrf",
    ];
    let name = header.as_str();
    PARTS.iter().any(|part| name.contains(part)) || name.ends_with("-sign")
}

/// What is recorded of the value of a header.
pub(super) fn shown(value: &HeaderValue, is_secret: bool) -> &str {
    match is_secret || value.is_sensitive() {
        true => "REDACTED",
        false => std::str::from_utf8(value.as_bytes()).unwrap_or("[not text]"),
    }
}
