//! What receivers answer, in any number of wrong ways: nothing panics or hangs, and what comes out keeps to its bounds.
//!
//! `cargo xtask fuzz answer --seconds 600` runs this on stable Rust. The seed is fixed, so what is found is found again.
//! `fuzz/` has the same for cargo-fuzz, which looks for new paths through the code by itself.

use super::again::plausible;
use super::endpoint::Place;
use super::error::ExportError;
use super::{Encoding, answer, grpc, http as over_http, response};
use crate::config::Retry;
use crate::export::{Accepted, Again};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};

/// Reads these bytes as an answer over HTTP and as one over gRPC: a status, a few headers and a body.
pub fn answer(bytes: &[u8]) {
    let (&[first, second], rest) = bytes.split_first_chunk().unwrap_or((&[0, 0], &[]));
    let mut parts = rest.splitn(4, |byte| *byte == b'\n');
    let mut part = || parts.next().unwrap_or_default();
    let (pause, date, content_type, body) = (part(), part(), part(), part());
    over_http(u16::from_be_bytes([first, second]), [pause, date, content_type], body);
    over_grpc(first, pause, date, body);
}

fn place() -> Place {
    Place::from(Uri::from_static("http://localhost:4318/v1/traces"))
}

fn over_http(status: u16, values: [&[u8]; 3], body: &[u8]) {
    // Half of all answers are of the kinds that mean something.
    let status =
        if status.is_multiple_of(2) { [200, 400, 429, 503][usize::from(status / 2 % 4)] } else { status % 900 + 100 };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let mut headers = HeaderMap::new();
    for (name, value) in [RETRY_AFTER, DATE, CONTENT_TYPE].into_iter().zip(values) {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(name, value);
        }
    }
    match over_http::judged(&place(), status, &headers, Bytes::copy_from_slice(body)) {
        Ok((encoding, body)) => {
            for encoding in encoding.map_or(vec![Encoding::Protobuf, Encoding::Json], |encoding| vec![encoding]) {
                let Accepted { rejected, message } = response::accepted(encoding, &body);
                assert!(i64::try_from(rejected).is_ok());
                message.iter().for_each(|text| bounded(text));
            }
        }
        Err(error) => judge(&error.naming_headers()),
    }
}

fn over_grpc(code: u8, message: &[u8], details: &[u8], body: &[u8]) {
    let mut headers = HeaderMap::new();
    let code = HeaderValue::from(u16::from(code % 20));
    headers.insert(HeaderName::from_static("grpc-status"), code);
    // The body in place of the details, which so get past base64.
    for details in [details.to_vec(), encoded(body)] {
        for (name, value) in [("grpc-message", message), ("grpc-status-details-bin", &details)] {
            if let Ok(value) = HeaderValue::from_bytes(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        answer::rename(&mut headers);
        if let Some(status) = tonic::Status::from_header_map(&headers) {
            judge(&grpc::refusal(&place(), &status));
        }
    }
}

fn encoded(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = Vec::new();
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | u32::from(chunk.get(at).copied().unwrap_or(0)));
        text.extend((0..=chunk.len()).map(|at| DIGITS[(bits >> (18 - 6 * at)) as usize & 63]));
    }
    text
}

fn judge(error: &ExportError) {
    for retry in [Retry::default(), Retry::default().with_status(500)] {
        if let Again::After(pause) = error.again(&retry) {
            assert_eq!(plausible(pause), Some(pause));
        }
        let refused = error.clone().refused(&retry);
        bounded(&refused.text);
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        assert!(refused.error_type.len() < 32 && refused.error_type.bytes().all(is_word), "{}", refused.error_type);
    }
}

/// Text of a receiver fits on a line of a terminal, and cannot steer it.
fn bounded(text: &str) {
    assert!(text.chars().count() < 500 && !text.contains(char::is_control), "{text:?}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::fuzzing::{self, Random};

    /// What answers are made of; each is dangerous somewhere.
    const PIECES: [&[u8]; 36] = [
        b"\n",
        b"0",
        b"120",
        b"-1",
        b"18446744073709551616",
        b"Sun, 06 Nov 1994 08:49:37 GMT",
        b"Fri, 31 Dec 9999 23:59:59 GMT",
        b"Thu, 01 Jan 1970 00:00:00 GMT",
        b"application/json",
        b"application/x-protobuf",
        b"application/json; charset=utf-8",
        b"text/html",
        b"{\"partialSuccess\":{\"rejectedSpans\":\"3\",\"errorMessage\":\"bad\"}}",
        b"{\"partialSuccess\":null}",
        b"{\"code\":3,\"message\":\"no\"}",
        b"{",
        b"[",
        b"\"",
        b"\\u",
        b"\\ud83d",
        b"9223372036854775808",
        &[0x0a, 7, 0x08, 3, 0x12, 3, b'b', b'a', b'd'],
        &[0x1a, 0x34, 0x0a, 0x28],
        b"type.googleapis.com/google.rpc.RetryInfo",
        &[0x12, 0x08, 0x0a, 0x06, 0x08, 2, 0x10, 0x80, 0x94, 0x02],
        &[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
        &[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
        &[0x80],
        &[0xff, 0xff],
        &[0x1b, b'[', b'3', b'1', b'm'],
        &[0],
        b"%",
        b"%0",
        b"%ff",
        b"=",
        b"CAMSAm5v",
    ];

    /// An answer whose parts are in their places, or one whose are not.
    fn made(random: Random<'_>) -> Vec<u8> {
        let mut bytes = vec![random(256) as u8, random(256) as u8];
        for _ in 0..=random(12) {
            match random(8) {
                0 => bytes.extend((0..random(8)).map(|_| 0).collect::<Vec<u8>>()),
                1 => bytes.push(random(256) as u8),
                2 => bytes.extend(PIECES[random(PIECES.len())].repeat(1 << random(10))),
                3 => bytes.push(b'\n'),
                _ => bytes.extend(PIECES[random(PIECES.len())]),
            }
        }
        for _ in 0..random(3) {
            let at = random(bytes.len());
            bytes[at] = random(256) as u8;
        }
        bytes
    }

    #[test]
    fn broken_answers_neither_panic_nor_say_too_much() {
        fuzzing::few(2000, made, answer);
    }

    #[test]
    #[ignore = "runs as long as `cargo xtask fuzz answer` says"]
    fn for_a_while() {
        fuzzing::for_a_while(made, answer);
    }
}
