//! Headers that spans have as attributes, of servers, clients and gRPC by one rule.

use crate::diagnostics::{self, LogLevel};
use ::http::{HeaderMap, HeaderName, HeaderValue};
use std::sync::Arc;

/// A header that is wanted, with the key of its attribute.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    name: HeaderName,
    key: String,
    is_secret: bool,
}

/// Parts of names of headers whose values prove who sends them.
const SECRET: [&str; 14] = [
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

impl Wanted {
    /// With `http.request.header.` or one like it. Of what is no name of a header there is none, and somebody is told.
    pub(super) fn new(prefix: &str, name: &str) -> Option<Self> {
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
            diagnostics::say(LogLevel::Warn, "Http.Header.Invalid", name, || {
                format!("`{name}` is no name of a header, and is not recorded")
            });
            return None;
        };
        let is_secret = SECRET.iter().any(|part| name.as_str().contains(part)) || name.as_str().ends_with("-sign");
        Some(Self { key: format!("{prefix}{name}"), name, is_secret })
    }

    /// Calls `record` with the key and all values of the header, if the message has it.
    pub(super) fn record(&self, headers: &HeaderMap, record: impl FnOnce(&str, &[&str])) {
        let mut values = headers.get_all(&self.name).iter().peekable();
        if values.peek().is_none() {
            return;
        }
        record(&self.key, &values.map(|value| self.shown(value)).collect::<Vec<_>>());
    }

    fn shown<'a>(&self, value: &'a HeaderValue) -> &'a str {
        if self.is_secret || value.is_sensitive() {
            return "REDACTED";
        }
        str::from_utf8(value.as_bytes()).unwrap_or("[not text]")
    }
}

/// Headers that were asked for, with the keys of their attributes.
#[derive(Clone, Debug, Default)]
pub(super) struct Chosen(Arc<[Wanted]>);

impl Chosen {
    /// With `http.request.header.` or one like it.
    pub(super) fn new(prefix: &str, names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self(names.into_iter().filter_map(|name| Wanted::new(prefix, name.as_ref())).collect())
    }

    /// Gives the key and the values of every one of them that there is.
    pub(super) fn each(&self, headers: &HeaderMap, mut give: impl FnMut(&str, &[&str])) {
        for wanted in &*self.0 {
            wanted.record(headers, &mut give);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_proves_who_sends_it_is_not_shown_whoever_asks() {
        let mut headers = HeaderMap::new();
        for name in ["accept", "x-api-key", "set-cookie", "x-marked"] {
            headers.insert(name, HeaderValue::from_static("5ecret"));
        }
        let mut marked = HeaderValue::from_static("5ecret");
        marked.set_sensitive(true);
        headers.insert("x-marked", marked);
        headers.insert("x-bytes", HeaderValue::from_bytes(b"\xff").unwrap());
        let names = ["accept", "X-Api-Key", "set-cookie", "x-marked", "x-bytes", "x-absent", "no name"];
        let mut found = Vec::new();
        Chosen::new("h.", names).each(&headers, |key, values| found.push(format!("{key}={}", values.join(","))));
        assert_eq!(
            found,
            [
                "h.accept=5ecret",
                "h.x-api-key=REDACTED",
                "h.set-cookie=REDACTED",
                "h.x-marked=REDACTED",
                "h.x-bytes=[not text]"
            ]
        );
    }
}
