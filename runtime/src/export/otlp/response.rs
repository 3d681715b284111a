//! The receiver's answer: `ExportTraceServiceResponse` or its like for another signal, read by hand because all are the
//! same two fields deep.

use super::error::printable;
use crate::export::Accepted;

/// Reads a protobuf message field by field. Hostile bytes end it early.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

pub(super) enum Field<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    Other,
}

impl<'a> Fields<'a> {
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(taken)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u64, Field<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let tag = self.varint()?;
        let field = match tag & 7 {
            0 => Field::Varint(self.varint()?),
            1 => self.take(8).map(|_| Field::Other)?,
            2 => {
                let length = self.varint()?;
                Field::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Field::Other)?,
            _ => return None,
        };
        Some((tag >> 3, field))
    }
}

/// How a message is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Protobuf,
    #[cfg_attr(not(feature = "otlp-http"), allow(dead_code))]
    Json,
}

#[cfg(feature = "otlp-http")]
impl Encoding {
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }

    /// The encoding of a body with this content type, if it is one of OTLP's.
    pub(super) fn of(content_type: Option<&str>) -> Option<Self> {
        let kind = content_type?.split(';').next()?.trim();
        [Self::Protobuf, Self::Json].into_iter().find(|encoding| encoding.content_type().eq_ignore_ascii_case(kind))
    }
}

/// What the receiver says of the batch. An answer that cannot be read is taken as silence: its status said success.
pub(crate) fn accepted(encoding: Encoding, body: &[u8]) -> Accepted {
    match encoding {
        Encoding::Protobuf => of_protobuf(body),
        Encoding::Json => super::response_json::accepted(body),
    }
}

/// Why the receiver refused a request, as short text: the message of `google.rpc.Status`, or the body as it is.
#[cfg(feature = "otlp-http")]
pub(super) fn complaint(encoding: Option<Encoding>, body: &[u8]) -> String {
    let message = match encoding {
        // `code` = 1, `message` = 2.
        Some(Encoding::Protobuf) => Fields(body).find_map(|field| match field {
            (2, Field::Bytes(message)) => Some(printable(message)),
            _ => None,
        }),
        Some(Encoding::Json) => super::response_json::message(body),
        None => None,
    };
    message.unwrap_or_else(|| printable(body))
}

fn of_protobuf(body: &[u8]) -> Accepted {
    let mut accepted = Accepted::default();
    for (number, field) in Fields(body) {
        // `partial_success` = 1, with `rejected_spans`, `rejected_data_points` or `rejected_log_records` = 1 and
        // `error_message` = 2.
        let (1, Field::Bytes(partial)) = (number, field) else { continue };
        for field in Fields(partial) {
            match field {
                (1, Field::Varint(rejected)) => accepted.rejected = u64::try_from(rejected as i64).unwrap_or(0),
                (2, Field::Bytes(message)) if !message.is_empty() => accepted.message = Some(printable(message)),
                _ => {}
            }
        }
    }
    accepted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(body: &[u8]) -> Accepted {
        of_protobuf(body)
    }

    #[test]
    fn an_empty_answer_accepts_everything() {
        assert_eq!(accepted(b""), Accepted::default());
        assert_eq!(accepted(&[0x0a, 0]), Accepted::default());
    }

    #[test]
    fn a_partial_success_is_read() {
        let body = [0x0a, 7, 0x08, 3, 0x12, 3, b'b', b'a', b'd'];
        assert_eq!(accepted(&body), Accepted { rejected: 3, message: Some("bad".to_owned()) });
    }

    #[test]
    fn hostile_answers_are_taken_as_silence() {
        let huge = [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        let endless = [0xff; 32];
        let negative = [0x0a, 11, 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        let wrong_types = [0x08, 1, 0x0d, 1, 2, 3, 4, 0x0b];
        for body in [&huge[..], &endless, &negative, &wrong_types, b"{\"partialSuccess\":null}", &[0x0a, 5, 0x08]] {
            assert_eq!(accepted(body), Accepted::default(), "{body:?}");
        }
    }

    /// A partial success with fields that this version does not know, before, between and after those it does.
    const FULL: [u8; 29] = [
        0x18, 5, // field 3, a varint
        0x0a, 19, // `partial_success`
        0x19, 1, 2, 3, 4, 5, 6, 7, 8, // field 3, eight bytes
        0x08, 0xac, 2, // `rejected_spans`: 300
        0x25, 1, 2, 3, 4, // field 4, four bytes
        0x12, 0, // `error_message`, empty
        0x22, 2, 0x08, 1, // field 4, bytes that look like a field
        0x20, 1, // field 4, a varint
    ];

    #[test]
    fn unknown_fields_are_passed_over() {
        assert_eq!(accepted(&FULL), Accepted { rejected: 300, message: None });
    }

    #[test]
    fn a_message_that_is_not_utf_8_is_made_readable() {
        let body = [0x0a, 6, 0x12, 4, b'a', 0xff, 0x1b, b'b'];
        assert_eq!(accepted(&body).message.as_deref(), Some("a\u{fffd}\u{fffd}b"));
    }

    #[test]
    fn json_that_looks_like_protobuf_is_taken_as_silence() {
        // A line feed is the tag of `partial_success`, and what follows it then its length.
        for body in [
            "\n{\n  \"partialSuccess\": {\n    \"rejectedSpans\": \"1\",\n    \"errorMessage\": \"too old\"\n  }\n}\n",
            "{\"partialSuccess\":{\"rejectedSpans\":1}}",
            "\n\n{}",
        ] {
            for padding in [0, 200] {
                let body = format!("{body}{}", " ".repeat(padding));
                assert_eq!(accepted(body.as_bytes()), Accepted::default(), "{body:?}");
            }
        }
    }

    /// Whatever the bytes are, what comes out is a possible count and text that a terminal can show.
    fn assert_harmless(body: &[u8]) {
        let accepted = accepted(body);
        assert!(i64::try_from(accepted.rejected).is_ok(), "{body:?}");
        assert!(accepted.message.is_none_or(|text| !text.contains(char::is_control)), "{body:?}");
    }

    #[test]
    fn no_damage_to_an_answer_does_harm() {
        let partial = [0x0a, 7, 0x08, 3, 0x12, 3, b'b', b'a', b'd'];
        for body in [&FULL[..], &partial] {
            (0..=body.len()).for_each(|end| assert_harmless(&body[..end]));
            // Every value of every byte, beside a neighbour that ends or stretches a number.
            for at in 0..body.len() {
                let mut body = body.to_vec();
                let next = (at + 1) % body.len();
                for value in 0..=u8::MAX {
                    body[at] = value;
                    for neighbour in [body[next], 0, 0x1b, 0x7f, 0x80, 0xff] {
                        let mut body = body.clone();
                        body[next] = neighbour;
                        assert_harmless(&body);
                    }
                }
            }
        }
    }
}
