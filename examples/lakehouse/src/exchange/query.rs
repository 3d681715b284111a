//! The parameters of a request.

/// Names and values of a query string, decoded, in the order given.
#[derive(Debug, PartialEq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Splits and decodes a query string; what is not `name=value` has an empty value.
    pub fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(name, value)| (decode(name), decode(value)))
                .collect(),
        )
    }

    /// The value of a parameter that was given and is not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        let pair = self.0.iter().find(|(key, value)| key == name && !value.is_empty());
        pair.map(|(_, value)| value.as_str())
    }
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).and_then(|hex| std::str::from_utf8(hex).ok());
        match (bytes[at], hex.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                at += 2;
            }
            (b'+', _) => decoded.push(b' '),
            (byte, _) => decoded.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::Query;

    #[test]
    fn values_are_decoded_and_broken_escapes_kept() {
        let query = Query::parse("symbols=%5B%22BTCUSDT%22%5D&a=1+2&broken=%zz%&empty=&flag");
        assert_eq!(query.get("symbols"), Some(r#"["BTCUSDT"]"#));
        assert_eq!(query.get("a"), Some("1 2"));
        assert_eq!(query.get("broken"), Some("%zz%"));
        assert_eq!(query.get("empty"), None);
        assert_eq!(query.get("flag"), None);
        assert_eq!(Query::parse(""), Query(Vec::new()));
    }
}
