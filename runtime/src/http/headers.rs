//! Headers that spans have as attributes.

use ::http::{HeaderMap, HeaderName};

/// A header that is wanted, with the key of its attribute.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    name: HeaderName,
    key: String,
    is_secret: bool,
}

/// Parts of names of headers whose values prove who sends them.
const SECRET: [&str; 13] = [
    "auth",
    "cookie",
    "credential",
    "csrf",
    "jwt",
    "key",
    "passwd",
    "password",
    "secret",
    "session",
    "signature",
    "token",
    "xsrf",
];

impl Wanted {
    /// With `http.request.header.` or `http.response.header.`.
    pub(super) fn new(prefix: &str, name: HeaderName) -> Self {
        let is_secret = SECRET.iter().any(|part| name.as_str().contains(part));
        Self { key: format!("{prefix}{name}"), name, is_secret }
    }

    /// Calls `record` with the key and all values of the header, if the message has it.
    pub(super) fn record(&self, headers: &HeaderMap, record: impl FnOnce(&str, &[&str])) {
        let mut values = headers.get_all(&self.name).iter().peekable();
        if values.peek().is_none() {
            return;
        }
        let shown = |value| match self.is_secret {
            true => super::json::REDACTED,
            false => super::forwarded::text(value).unwrap_or("[not text]"),
        };
        record(&self.key, &values.map(shown).collect::<Vec<_>>());
    }
}
