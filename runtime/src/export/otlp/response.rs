//! The receiver's answer: `ExportTraceServiceResponse`, read by hand because it is two fields deep.

use super::error::printable;
use crate::export::Accepted;

/// Reads a protobuf message field by field. Hostile bytes end it early.
struct Fields<'a>(&'a [u8]);

enum Field<'a> {
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

/// What the receiver says of the batch. An answer that cannot be read is taken as silence: its status said success.
pub(crate) fn accepted(body: &[u8]) -> Accepted {
    let mut accepted = Accepted::default();
    for (number, field) in Fields(body) {
        // `partial_success` = 1, with `rejected_spans` = 1 and `error_message` = 2.
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
}
