//! Who asks: the header `authorization` from what people have at hand.

use super::Otlp;

/// No value of a header, so that the headers are refused when the pipeline starts.
const UNUSABLE: &str = "\0";

impl Otlp {
    /// Sends a token with every request: the header `authorization: Bearer …`, in place of another one set here. It is never
    /// shown. A token that is empty or has a control character, such as the line break of the file it comes from, is refused
    /// when the pipeline starts.
    ///
    /// ```
    /// use otelier::config::Otlp;
    ///
    /// let otlp = Otlp::to("https://collector:4318").with_bearer_token("s3cr3t");
    /// assert!(!format!("{otlp:?}").contains("s3cr3t"));
    /// ```
    #[must_use]
    pub fn with_bearer_token(self, token: impl AsRef<str>) -> Self {
        let token = token.as_ref();
        self.with_authorization("Bearer", if token.trim().is_empty() { UNUSABLE } else { token })
    }

    /// Sends a user and a password with every request: the header `authorization: Basic …`, in place of another one set here.
    /// They are never shown. A user with a colon, and control characters, are refused when the pipeline starts.
    ///
    /// ```
    /// use otelier::config::Otlp;
    ///
    /// let otlp = Otlp::to("https://openobserve:5080/api/default").with_basic_auth("root@example.com", "s3cr3t");
    /// assert!(!format!("{otlp:?}").contains("s3cr3t"));
    /// ```
    #[must_use]
    pub fn with_basic_auth(self, user: impl AsRef<str>, password: impl AsRef<str>) -> Self {
        let (user, password) = (user.as_ref(), password.as_ref());
        // Encoded they would look right, and the receiver would see something else.
        let is_wrong = user.contains(':') || [user, password].iter().any(|text| text.contains(char::is_control));
        if is_wrong {
            return self.with_authorization("Basic", UNUSABLE);
        }
        self.with_authorization("Basic", &base64(format!("{user}:{password}").as_bytes()))
    }

    /// There is one who asks.
    fn with_authorization(mut self, scheme: &str, credentials: &str) -> Self {
        self.headers.pairs.retain(|(name, _)| !name.eq_ignore_ascii_case("authorization"));
        self.with_header("authorization", format!("{scheme} {credentials}"))
    }
}

/// With padding, by RFC 4648.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | u32::from(chunk.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at)) as usize & 63];
            text.push(if at <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_padded() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!(base64(&[0xfb, 0xff, 0xbf]), "+/+/");
    }

    #[test]
    fn who_asks_is_said_once() {
        let otlp = Otlp::default().with_header("Authorization", "x").with_bearer_token("t");
        assert_eq!(otlp.headers.pairs, [("authorization".to_owned(), "Bearer t".to_owned())]);
        let otlp = otlp.with_basic_auth("root@example.com", "Complexpass#123");
        let expected = "Basic cm9vdEBleGFtcGxlLmNvbTpDb21wbGV4cGFzcyMxMjM=";
        assert_eq!(otlp.headers.pairs, [("authorization".to_owned(), expected.to_owned())]);
        assert!(format!("{otlp:?}").contains("headers: set"));
    }
}
