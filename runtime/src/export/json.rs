//! A writer of JSON: text is escaped, and commas are set where they belong.

use std::io::Write as _;

/// JSON under construction.
#[derive(Debug, Default)]
pub(crate) struct Json(Vec<u8>);

impl Json {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Sets a comma, unless what comes now is the first of its object or list, or the value of a key.
    fn separate(&mut self) {
        // A brace, a bracket or a colon of a text is followed by its closing quote, so it is never the last byte here.
        if !matches!(self.0.last(), None | Some(b'{' | b'[' | b':')) {
            self.0.push(b',');
        }
    }

    /// The name of the next value.
    pub(crate) fn key(&mut self, key: &str) -> &mut Self {
        self.string(key);
        self.0.push(b':');
        self
    }

    pub(crate) fn object(&mut self, write: impl FnOnce(&mut Self)) {
        self.within(b"{}", write);
    }

    pub(crate) fn list(&mut self, write: impl FnOnce(&mut Self)) {
        self.within(b"[]", write);
    }

    fn within(&mut self, [open, close]: &[u8; 2], write: impl FnOnce(&mut Self)) {
        self.separate();
        self.0.push(*open);
        write(self);
        self.0.push(*close);
    }

    pub(crate) fn string(&mut self, text: &str) {
        self.separate();
        self.0.push(b'"');
        for &byte in text.as_bytes() {
            match byte {
                b'"' | b'\\' => self.0.extend([b'\\', byte]),
                b'\n' => self.0.extend(b"\\n"),
                b'\r' => self.0.extend(b"\\r"),
                b'\t' => self.0.extend(b"\\t"),
                0..0x20 => {
                    self.0.extend(b"\\u00");
                    self.hex(&[byte]);
                }
                _ => self.0.push(byte),
            }
        }
        self.0.push(b'"');
    }

    /// Bytes as OTLP has ids: lower-case hexadecimal digits.
    pub(crate) fn id(&mut self, bytes: &[u8]) {
        self.separate();
        self.0.push(b'"');
        self.hex(bytes);
        self.0.push(b'"');
    }

    fn hex(&mut self, bytes: &[u8]) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        for byte in bytes {
            self.0.extend([DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
    }

    /// A 64-bit integer as a text, because a reader may have floating point numbers only.
    pub(crate) fn long(&mut self, value: impl Into<i128>) {
        self.separate();
        // Writing to a `Vec` does not fail.
        let _ = write!(self.0, "\"{}\"", value.into());
    }

    /// An integer as a number, for readers that have 64 bits for it.
    #[cfg(feature = "zipkin")]
    pub(crate) fn integer(&mut self, value: impl Into<i128>) {
        self.separate();
        let _ = write!(self.0, "{}", value.into());
    }

    /// An integer of at most 32 bits, or the number of an enum.
    pub(crate) fn number(&mut self, value: impl Into<i64>) {
        self.separate();
        let _ = write!(self.0, "{}", value.into());
    }

    pub(crate) fn bool(&mut self, value: bool) {
        self.separate();
        self.0.extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// A number; what JSON has none for is a text, as in protobuf's mapping.
    pub(crate) fn double(&mut self, value: f64) {
        match value {
            _ if value.is_nan() => self.string("NaN"),
            f64::INFINITY => self.string("Infinity"),
            f64::NEG_INFINITY => self.string("-Infinity"),
            _ => {
                self.separate();
                let _ = write!(self.0, "{value:?}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Json)) -> String {
        let mut json = Json::default();
        write(&mut json);
        String::from_utf8(json.into_bytes()).unwrap()
    }

    #[test]
    fn commas_stand_between_values_only() {
        let found = text(|json| {
            json.object(|json| {
                json.key("a").list(|json| {
                    json.number(1);
                    json.bool(true);
                    json.list(|_| {});
                    json.object(|_| {});
                });
                json.key("b{").string("[");
                json.key("c:").long(u64::MAX);
                json.key("d").id(&[0, 0xab]);
            });
        });
        assert_eq!(found, r#"{"a":[1,true,[],{}],"b{":"[","c:":"18446744073709551615","d":"00ab"}"#);
    }

    #[test]
    fn no_text_ends_its_quotes() {
        let hostile: String =
            (0..0x300).filter_map(char::from_u32).chain("\u{2028}\u{10ffff}\",\"x\":[".chars()).collect();
        let found = text(|json| json.string(&hostile));
        let inner = found.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap();
        assert!(!inner.contains(|c: char| c < ' '), "control characters are escaped");
        let mut rest = inner.chars();
        let mut read = String::new();
        while let Some(c) = rest.next() {
            assert_ne!(c, '"', "quotes are escaped");
            read.push(if c != '\\' {
                c
            } else {
                match rest.next().unwrap() {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'u' => {
                        let digits: String = rest.by_ref().take(4).collect();
                        char::from_u32(u32::from_str_radix(&digits, 16).unwrap()).unwrap()
                    }
                    other => other,
                }
            });
        }
        assert_eq!(read, hostile);
    }

    #[test]
    fn every_double_is_json() {
        let doubles = [0.0, -0.5, 1e300, 5e-324, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
        let found = text(|json| json.list(|json| doubles.iter().for_each(|value| json.double(*value))));
        assert_eq!(found, r#"[0.0,-0.5,1e300,5e-324,"NaN","Infinity","-Infinity"]"#);
    }
}
