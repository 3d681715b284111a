//! `google.rpc.RetryInfo` in the details of a gRPC status, read by hand. Hostile bytes end it early.

use super::again::plausible;
use super::response::{Field, Fields};
use crate::export::Again;
use std::time::Duration;

/// What a `google.rpc.Status` says of another attempt: nothing, that it may help, or when. A pause that is negative, zero or
/// absurd counts as none, so that the usual back-off applies.
pub(super) fn asked(status: &[u8]) -> Option<Again> {
    // `details` = 3, each an `Any` with `type_url` = 1 and `value` = 2.
    Fields(status).find_map(|field| match field {
        (3, Field::Bytes(any)) => of_any(any),
        _ => None,
    })
}

fn of_any(any: &[u8]) -> Option<Again> {
    let (mut kind, mut value) = (&b""[..], &b""[..]);
    for field in Fields(any) {
        match field {
            (1, Field::Bytes(bytes)) => kind = bytes,
            (2, Field::Bytes(bytes)) => value = bytes,
            _ => {}
        }
    }
    // The type's name is what follows the last slash.
    let is_retry_info = kind.rsplit(|byte| *byte == b'/').next() == Some(b"google.rpc.RetryInfo");
    is_retry_info.then(|| delay(value).map_or(Again::Later, Again::After))
}

/// `retry_delay` = 1, a `Duration` with `seconds` = 1 and `nanos` = 2.
fn delay(retry_info: &[u8]) -> Option<Duration> {
    let (mut seconds, mut nanos) = (0, 0);
    for field in Fields(retry_info) {
        let (1, Field::Bytes(duration)) = field else { continue };
        for field in Fields(duration) {
            match field {
                (1, Field::Varint(value)) => seconds = value as i64,
                (2, Field::Varint(value)) => nanos = value as i64,
                _ => {}
            }
        }
    }
    let nanos = u32::try_from(nanos).ok().filter(|nanos| *nanos < 1_000_000_000)?;
    let pause = Duration::new(u64::try_from(seconds).ok()?, nanos);
    plausible(pause)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut field = vec![number << 3 | 2, u8::try_from(bytes.len()).expect("short")];
        field.extend_from_slice(bytes);
        field
    }

    fn varint(number: u8, mut value: u64) -> Vec<u8> {
        let mut field = vec![number << 3];
        while value > 0x7f {
            field.push(value as u8 | 0x80);
            value >>= 7;
        }
        field.push(value as u8);
        field
    }

    fn status(kind: &str, duration: &[u8]) -> Vec<u8> {
        let any = [field(1, kind.as_bytes()), field(2, &field(1, duration))].concat();
        [varint(1, 8), field(2, b"slow down"), field(3, &any)].concat()
    }

    const KIND: &str = "type.googleapis.com/google.rpc.RetryInfo";

    #[test]
    fn the_pause_is_read_behind_other_details() {
        let duration = [varint(1, 2), varint(2, 500_000_000)].concat();
        let other = field(3, &field(1, b"type.googleapis.com/google.rpc.DebugInfo"));
        let status = [other, status(KIND, &duration)].concat();
        assert_eq!(asked(&status), Some(Again::After(Duration::from_millis(2500))));
        assert_eq!(asked(&self::status("google.rpc.RetryInfo", &duration)), asked(&status));
    }

    #[test]
    fn a_pause_that_makes_no_sense_leaves_the_back_off() {
        let absurd = [
            vec![],
            varint(1, 0),
            varint(1, -1_i64 as u64),
            varint(1, 86_401),
            varint(1, u64::MAX >> 1),
            varint(2, 1_000_000_000),
            varint(2, -1_i64 as u64),
            [varint(1, 5), varint(2, -5_i64 as u64)].concat(),
            vec![0xff; 12],
        ];
        for duration in absurd {
            assert_eq!(asked(&status(KIND, &duration)), Some(Again::Later), "{duration:?}");
        }
    }

    #[test]
    fn without_retry_info_nothing_is_asked() {
        assert_eq!(asked(b""), None);
        assert_eq!(asked(&status("type.googleapis.com/google.rpc.RetryInformation", &varint(1, 5))), None);
        assert_eq!(asked(&status("", &varint(1, 5))), None);
        assert_eq!(asked(&[0xff; 40]), None);
    }

    #[test]
    fn no_damage_does_harm() {
        let whole = status(KIND, &[varint(1, 2), varint(2, 7)].concat());
        for at in 0..whole.len() {
            asked(&whole[..at]);
            for value in 0..=u8::MAX {
                let mut damaged = whole.clone();
                damaged[at] = value;
                if let Some(Again::After(pause)) = asked(&damaged) {
                    assert_eq!(plausible(pause), Some(pause));
                }
            }
        }
    }
}
