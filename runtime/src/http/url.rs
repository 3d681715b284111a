//! URLs without what is secret in them.

use std::borrow::Cow;

/// Parameters whose values sign a request or prove who sends it. The first four are those of the semantic conventions; the
/// names of headers that exchanges also take as parameters are among the others.
const SECRET: [&str; 26] = [
    "AWSAccessKeyId",
    "Signature",
    "sig",
    "X-Goog-Signature",
    "X-Amz-Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "access_token",
    "api_key",
    "api-key",
    "apikey",
    "api_sig",
    "auth",
    "authorization",
    "client_secret",
    "id_token",
    "key",
    "listenKey",
    "passphrase",
    "passwd",
    "password",
    "refresh_token",
    "secret",
    "session_token",
    "sign",
    "token",
];

fn is_secret(pair: &str) -> bool {
    let Some((name, _)) = pair.split_once('=') else { return false };
    let name = if name.contains('%') { Cow::Owned(decoded(name)) } else { Cow::Borrowed(name) };
    SECRET.iter().any(|secret| secret.eq_ignore_ascii_case(&name))
}

/// The name with its `%41` read as `A`; what is none is left alone.
fn decoded(name: &str) -> String {
    let mut bytes = name.bytes();
    let mut text = String::with_capacity(name.len());
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let digits = (byte == b'%').then(|| Some((hex(ahead.next()?)?, hex(ahead.next()?)?))).flatten();
        match digits {
            Some((high, low)) => {
                text.push(char::from(high << 4 | low));
                bytes = ahead;
            }
            None => text.push(char::from(byte)),
        }
    }
    text
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// `url.query` with the values of secret parameters replaced by `REDACTED`.
pub(super) fn query(query: &str) -> Cow<'_, str> {
    if !query.split('&').any(is_secret) {
        return Cow::Borrowed(query);
    }
    let mut text = String::with_capacity(query.len());
    push_query(&mut text, query);
    Cow::Owned(text)
}

fn push_query(text: &mut String, query: &str) {
    for (at, pair) in query.split('&').enumerate() {
        if at > 0 {
            text.push('&');
        }
        match pair.split_once('=') {
            Some((name, _)) if is_secret(pair) => text.extend([name, "=REDACTED"]),
            _ => text.push_str(pair),
        }
    }
}

/// `url.full`: without who asks, without the values of secret parameters, and without a fragment, which is never sent.
/// `query` is `None` where it is not to be shown.
pub(super) fn full(scheme: &str, authority: &str, path: &str, query: Option<&str>) -> String {
    let mut text = String::with_capacity(scheme.len() + authority.len() + path.len() + query.map_or(0, str::len) + 8);
    text.extend([scheme, "://"]);
    match authority.rsplit_once('@') {
        Some((user, host)) => text.extend([if user.contains(':') { "REDACTED:REDACTED@" } else { "REDACTED@" }, host]),
        None => text.push_str(authority),
    }
    text.push_str(path);
    if let Some(query) = query {
        text.push('?');
        push_query(&mut text, query);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_proves_who_asks_is_not_in_a_url() {
        assert_eq!(
            full("https", "me:word@api.binance.com:8443", "/api/v3/order", Some("symbol=BTCUSDT&Signature=1f&x")),
            "https://REDACTED:REDACTED@api.binance.com:8443/api/v3/order?symbol=BTCUSDT&Signature=REDACTED&x"
        );
        assert_eq!(full("http", "token@h", "/", None), "http://REDACTED@h/");
        assert_eq!(full("http", "a@b@h", "/", None), "http://REDACTED@h/");
        assert_eq!(query("API%5fkey=1&%74oken=2&listenkey=3&ke%79=4&a%=b"), {
            "API%5fkey=REDACTED&%74oken=REDACTED&listenkey=REDACTED&ke%79=REDACTED&a%=b"
        });
    }

    #[test]
    fn what_is_not_secret_is_left_alone() {
        assert!(matches!(query("symbol=BTCUSDT&interval=1m&flag&=&&"), Cow::Borrowed(_)));
        assert_eq!(query(""), "");
    }
}
