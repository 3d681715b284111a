//! The receiver's answer in JSON, of which two fields are of interest. Hostile text ends the reading early.

use super::error::printable;
use crate::export::Accepted;

/// Deeper nesting than an honest answer has.
const DEEPEST: usize = 16;

/// Reads JSON from the front.
struct Reader<'a> {
    rest: &'a [u8],
    depth: usize,
}

/// What is of interest among values; of others only that they were passed over.
enum Value {
    Text(String),
    /// A number as it is written.
    Number(String),
    Other,
}

/// What the receiver says of the batch. An answer that cannot be read is taken as silence: its status said success.
pub(super) fn accepted(body: &[u8]) -> Accepted {
    let mut accepted = Accepted::default();
    let mut reader = Reader { rest: body, depth: 0 };
    let _ = reader.object(|key, reader| {
        if !matches!(key, "partialSuccess" | "partial_success") || reader.peek()? != b'{' {
            return reader.value().map(drop);
        }
        reader.object(|key, reader| {
            match (key, reader.value()?) {
                (
                    "rejectedSpans"
                    | "rejected_spans"
                    | "rejectedLogRecords"
                    | "rejected_log_records"
                    | "rejectedDataPoints"
                    | "rejected_data_points",
                    // 64-bit integers are texts, but numbers are to be read, too.
                    Value::Text(text) | Value::Number(text),
                ) => accepted.rejected = text.parse::<i64>().ok().and_then(|count| count.try_into().ok()).unwrap_or(0),
                ("errorMessage" | "error_message", Value::Text(text)) if !text.is_empty() => {
                    accepted.message = Some(printable(text.as_bytes()));
                }
                _ => {}
            }
            Some(())
        })
    });
    accepted
}

/// The message of a `google.rpc.Status`.
#[cfg(feature = "otlp-http")]
pub(super) fn message(body: &[u8]) -> Option<String> {
    let mut message = None;
    let _ = Reader { rest: body, depth: 0 }.object(|key, reader| {
        if let ("message", Value::Text(text)) = (key, reader.value()?) {
            message = Some(printable(text.as_bytes()));
        }
        Some(())
    });
    message
}

impl Reader<'_> {
    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_ascii_start();
        self.rest.first().copied()
    }

    fn take(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.take()).flatten().map(drop)
    }

    /// Calls `f` with every key; it must read the value.
    fn object(&mut self, mut f: impl FnMut(&str, &mut Self) -> Option<()>) -> Option<()> {
        self.items(b'{', b'}', |reader| {
            let key = reader.string()?;
            reader.expect(b':')?;
            f(&key, reader)
        })
    }

    fn items(&mut self, open: u8, close: u8, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.expect(open)?;
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        if self.peek()? != close {
            loop {
                item(self)?;
                if self.peek()? != b',' {
                    break;
                }
                self.take()?;
            }
        }
        self.depth -= 1;
        self.expect(close)
    }

    fn value(&mut self) -> Option<Value> {
        match self.peek()? {
            b'"' => self.string().map(Value::Text),
            b'{' => self.object(|_, reader| reader.value().map(drop)).map(|()| Value::Other),
            b'[' => self.items(b'[', b']', |reader| reader.value().map(drop)).map(|()| Value::Other),
            _ => {
                let end = self
                    .rest
                    .iter()
                    .position(|byte| !matches!(byte, b'+' | b'-' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'E'));
                let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
                self.rest = rest;
                (!word.is_empty()).then(|| Value::Number(String::from_utf8_lossy(word).into_owned()))
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        self.expect(b'"')?;
        let mut text = Vec::new();
        loop {
            match self.take()? {
                b'"' => return Some(String::from_utf8_lossy(&text).into_owned()),
                b'\\' => {
                    let mut buffer = [0; 4];
                    let c = match self.take()? {
                        b'u' => self.escaped()?,
                        b'n' => '\n',
                        b't' => '\t',
                        b'r' => '\r',
                        b'b' => '\u{8}',
                        b'f' => '\u{c}',
                        other => char::from(other),
                    };
                    text.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
                }
                byte => text.push(byte),
            }
        }
    }

    /// What follows `\u`: one unit of UTF-16, or two of which the first announces the second.
    fn escaped(&mut self) -> Option<char> {
        let first = self.unit()?;
        if !(0xd800..0xdc00).contains(&first) || !self.rest.starts_with(b"\\u") {
            return Some(char::from_u32(first.into()).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        self.rest = &self.rest[2..];
        let pair = [first, self.unit()?];
        Some(char::decode_utf16(pair).next()?.unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn unit(&mut self) -> Option<u16> {
        let (digits, rest) = self.rest.split_at_checked(4)?;
        self.rest = rest;
        let digits = digits.iter().map(|digit| char::from(*digit).to_digit(16));
        digits.into_iter().try_fold(0, |unit, digit| Some(unit << 4 | digit? as u16))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejected(rejected: u64, message: &str) -> Accepted {
        Accepted { rejected, message: (!message.is_empty()).then(|| message.to_owned()) }
    }

    #[test]
    fn a_partial_success_is_read() {
        for (body, expected) in [
            ("", rejected(0, "")),
            ("{}", rejected(0, "")),
            (r#"{"partialSuccess":{}}"#, rejected(0, "")),
            (r#"{"partialSuccess":null}"#, rejected(0, "")),
            (r#" { "partialSuccess" : { "rejectedSpans" : "3" , "errorMessage" : "bad" } } "#, rejected(3, "bad")),
            (r#"{"x":[1,{"a":[]},-1.5e3,"\""],"partialSuccess":{"rejectedLogRecords":4}}"#, rejected(4, "")),
            (r#"{"partial_success":{"rejected_data_points":"5","new":[true]}}"#, rejected(5, "")),
            (
                r#"{"partialSuccess":{"errorMessage":"\u0061\ud83d\ude00\ud83dx\u001b[31m\/"}}"#,
                rejected(0, "a😀\u{fffd}x\u{fffd}[31m/"),
            ),
        ] {
            assert_eq!(accepted(body.as_bytes()), expected, "{body}");
        }
    }

    #[test]
    fn hostile_answers_are_taken_as_silence() {
        let deep = "[".repeat(100_000);
        let deeper = format!("{{\"a\":{deep}");
        for body in [
            &*deep,
            &deeper,
            "{\"",
            "{\"a\"",
            "{\"a\":",
            "{\"\\u12\":1}",
            "null",
            "[]",
            "{\"partialSuccess\":{\"rejectedSpans\":\"-1\"}}",
        ] {
            assert_eq!(accepted(body.as_bytes()), Accepted::default(), "{body:.40}");
        }
    }

    #[test]
    fn no_damage_to_an_answer_does_harm() {
        let body = br#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"b\u0061d","x":[1,{"y":null}]}}"#;
        for at in 0..body.len() {
            let _ = accepted(&body[..at]);
            for value in 0..=u8::MAX {
                let mut body = body.to_vec();
                body[at] = value;
                let accepted = accepted(&body);
                assert!(accepted.message.is_none_or(|text| !text.contains(char::is_control)));
            }
        }
    }

    #[cfg(feature = "otlp-http")]
    #[test]
    fn the_message_of_a_refusal_is_found() {
        assert_eq!(message(br#"{"code":3,"message":"no \"tenant\"","details":[]}"#).as_deref(), Some("no \"tenant\""));
        assert_eq!(message(b"not json"), None);
    }
}
