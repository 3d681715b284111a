//! URLs without what is secret in them.

use std::borrow::Cow;

/// Names of parameters whose values sign a request or prove who sends it, as they are compared: letters and digits alone.
/// Those of the semantic conventions are `AWSAccessKeyId`, `Signature`, `sig` and `X-Goog-Signature`; the names of headers that
/// exchanges also take as parameters are among the others.
const SECRET: [&str; 21] = [
    "accesskey",
    "apisig",
    "apisign",
    "auth",
    "authorization",
    "bearertoken",
    "csrftoken",
    "hmac",
    "idtoken",
    "jwt",
    "key",
    "listenkey",
    "oauthtoken",
    "pass",
    "passwd",
    "privatetoken",
    "pwd",
    "refreshtoken",
    "sig",
    "sign",
    "token",
];

/// Ends of such names, whatever stands before them, as in `X-Amz-Security-Token` or `user[password]`.
const SECRET_ENDS: [&str; 12] = [
    "accesskeyid",
    "accesstoken",
    "apikey",
    "authtoken",
    "credential",
    "passphrase",
    "password",
    "secret",
    "secretkey",
    "securitytoken",
    "sessiontoken",
    "signature",
];

/// The longest name whose end is compared; of a longer one the end is looked at, which is what tells.
const LONGEST: usize = 32;

fn is_secret(pair: &str) -> bool {
    let Some((name, _)) = pair.split_once('=') else { return false };
    let name = if name.contains('%') { Cow::Owned(decoded(name)) } else { Cow::Borrowed(name) };
    // Written from the right, so that of a long name the end is kept.
    let mut plain = [0_u8; LONGEST];
    let mut start = LONGEST;
    for byte in name.bytes().rev().filter(u8::is_ascii_alphanumeric) {
        if start == 0 {
            break;
        }
        start -= 1;
        plain[start] = byte.to_ascii_lowercase();
    }
    let plain = &plain[start..];
    SECRET.iter().any(|secret| secret.as_bytes() == plain)
        || SECRET_ENDS.iter().any(|end| plain.ends_with(end.as_bytes()))
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
    if !query.split(SEPARATORS).any(is_secret) {
        return Cow::Borrowed(query);
    }
    let mut text = String::with_capacity(query.len());
    push_query(&mut text, query);
    Cow::Owned(text)
}

/// What stands between parameters; some servers read `;` as `&`.
const SEPARATORS: [char; 2] = ['&', ';'];

fn push_query(text: &mut String, query: &str) {
    for pair in query.split_inclusive(SEPARATORS) {
        let end = pair.strip_suffix(SEPARATORS).map_or(pair.len(), str::len);
        let (pair, separator) = pair.split_at(end);
        match pair.split_once('=') {
            Some((name, _)) if is_secret(pair) => text.extend([name, "=REDACTED", separator]),
            _ => text.extend([pair, separator]),
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
    fn names_of_secrets_are_known_however_they_are_written() {
        for name in [
            "accessToken",
            "access-token",
            "X-Amz-Security-Token",
            "X-Amz-Credential",
            "X-Amz-Signature",
            "AccessKeyId",
            "AWSAccessKeyId",
            "X-Goog-Signature",
            "X-Goog-Credential",
            "secretKey",
            "api_secret",
            "user[password]",
            "newPassword",
            "apiKey",
            "X-MBX-APIKEY",
            "client.secret",
            "token[]",
            "private_token",
            "oauth_signature",
            "OK-ACCESS-PASSPHRASE",
            "pa%73sword",
            "jwt",
            "a-very-long-name-of-something-that-is-a-password",
        ] {
            assert_eq!(query(&format!("a=1&{name}=5ecret&b=2")), format!("a=1&{name}=REDACTED&b=2"));
        }
        assert_eq!(query("a=1;token=5ecret;b=2&;sig=x"), "a=1;token=REDACTED;b=2&;sig=REDACTED");
    }

    #[test]
    fn what_is_not_secret_is_left_alone() {
        let plain =
            "pageToken=1&monkey=2&design=3&keyword=4&keys=5&author=6&passenger=7&compass=8&recvWindow=9&timestamp=10";
        assert!(matches!(query(plain), Cow::Borrowed(_)));
        assert!(matches!(query("symbol=BTCUSDT&interval=1m&flag&=&&"), Cow::Borrowed(_)));
        assert_eq!(query(""), "");
    }
}
