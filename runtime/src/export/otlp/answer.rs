//! What tonic must not see of an answer.
//!
//! tonic panics over a `grpc-status-details-bin` that is not base64. So the header gets another name before tonic reads it,
//! and is decoded here.

use http::{HeaderMap, HeaderName, HeaderValue, Response};
use http_body_util::BodyExt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tonic::body::Body;
use tonic::transport::Channel;

const DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");
const KEPT: HeaderName = HeaderName::from_static("otelier-status-details");

/// More than anybody needs to say when to come back.
const LONGEST: usize = 16 << 10;

/// A channel whose answers are safe to read.
#[derive(Clone)]
pub(super) struct Answers(pub(super) Channel);

impl tower_service::Service<http::Request<Body>> for Answers {
    type Response = Response<Body>;
    type Error = tonic::transport::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        tower_service::Service::poll_ready(&mut self.0, cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let answer = tower_service::Service::call(&mut self.0, request);
        Box::pin(async move {
            let mut answer = answer.await?;
            rename(answer.headers_mut());
            Ok(answer.map(|body| {
                Body::new(body.map_frame(|mut frame| {
                    frame.trailers_mut().map(rename);
                    frame
                }))
            }))
        })
    }
}

pub(super) fn rename(headers: &mut HeaderMap) {
    // Nobody else may bring what is read below.
    headers.remove(KEPT);
    if let Some(details) = headers.remove(DETAILS) {
        headers.insert(KEPT, details);
    }
}

/// The bytes of the details, a `google.rpc.Status`.
pub(super) fn details(status: &tonic::Status) -> Option<Vec<u8>> {
    let metadata = status.metadata().clone().into_headers();
    decoded(metadata.get(KEPT)?)
}

/// Base64 with or without padding, which both are in use; nothing if it is anything else.
fn decoded(text: &HeaderValue) -> Option<Vec<u8>> {
    let text = text.as_bytes();
    let end = text.iter().rposition(|byte| *byte != b'=').map_or(0, |at| at + 1);
    let text = &text[..end];
    if text.len() > LONGEST || text.len() % 4 == 1 {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    let (mut bits, mut held) = (0u32, 0);
    for byte in text {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(digit);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_decoded_with_and_without_padding() {
        for (text, expected) in [
            ("", &b""[..]),
            ("Zg==", b"f"),
            ("Zg", b"f"),
            ("Zm8=", b"fo"),
            ("Zm9vYmFy", b"foobar"),
            ("+/8", &[0xfb, 0xff]),
        ] {
            assert_eq!(decoded(&HeaderValue::from_static(text)).as_deref(), Some(expected), "{text}");
        }
        for text in ["Z", "Zm9vY", "Zm 9", "_-__", "a=b=", "\u{7f}"] {
            let Ok(value) = HeaderValue::from_bytes(text.as_bytes()) else { continue };
            assert_eq!(decoded(&value), None, "{text}");
        }
        assert_eq!(decoded(&HeaderValue::from_bytes(&[b'A'; LONGEST + 4]).unwrap()), None);
    }

    #[test]
    fn details_are_kept_from_tonic_whatever_they_are() {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-status", HeaderValue::from_static("8"));
        headers.insert(DETAILS, HeaderValue::from_static("not base64!"));
        headers.insert(KEPT, HeaderValue::from_static("Zg"));
        rename(&mut headers);
        let status = tonic::Status::from_header_map(&headers).expect("a status");
        assert_eq!((status.code(), details(&status)), (tonic::Code::ResourceExhausted, None));
        headers.insert(DETAILS, HeaderValue::from_static("Zg"));
        rename(&mut headers);
        assert_eq!(details(&tonic::Status::from_header_map(&headers).expect("a status")), Some(b"f".to_vec()));
    }
}
