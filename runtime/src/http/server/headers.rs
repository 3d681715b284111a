//! Headers that spans have as attributes.

use crate::http::words;
use ::http::{HeaderMap, HeaderName};

/// A header that is wanted, with the key of its attribute.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    name: HeaderName,
    key: String,
    is_secret: bool,
}

impl Wanted {
    /// With `http.request.header.` or `http.response.header.`.
    pub(super) fn new(prefix: &str, name: HeaderName) -> Self {
        Self { key: format!("{prefix}{name}"), is_secret: words::is_secret(&name), name }
    }

    /// Calls `record` with the key and all values of the header, if the message has it.
    pub(super) fn record(&self, headers: &HeaderMap, record: impl FnOnce(&str, &[&str])) {
        let mut values = headers.get_all(&self.name).iter().peekable();
        if values.peek().is_none() {
            return;
        }
        record(&self.key, &values.map(|value| words::shown(value, self.is_secret)).collect::<Vec<_>>());
    }
}
