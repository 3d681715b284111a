//! URLs without what is secret in them.

use std::borrow::Cow;

/// Parameters whose values sign a request or prove who sends it. The first four are those of the semantic conventions.
const SECRET: [&str; 16] = [
    "AWSAccessKeyId",
    "Signature",
    "sig",
    "X-Goog-Signature",
    "X-Amz-Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "access_token",
    "api_key",
    "apikey",
    "auth",
    "client_secret",
    "key",
    "password",
    "secret",
    "token",
];

/// `url.query` with the values of secret parameters replaced by `REDACTED`.
pub(super) fn query(query: &str) -> Cow<'_, str> {
    let is_secret = |pair: &str| {
        let name = pair.split_once('=').map_or("", |(name, _)| name);
        SECRET.iter().any(|secret| secret.eq_ignore_ascii_case(name))
    };
    if !query.split('&').any(is_secret) {
        return Cow::Borrowed(query);
    }
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if is_secret(pair) => Cow::Owned(format!("{name}=REDACTED")),
        _ => Cow::Borrowed(pair),
    });
    Cow::Owned(pairs.collect::<Vec<_>>().join("&"))
}
