//! OTLP over HTTP/1.1 with protobuf bodies.

use super::error::{ExportError, innermost, printable};
use super::response;
use crate::export::Accepted;
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// More than an honest receiver says; the rest is not read.
const LONGEST_ANSWER: usize = 64 * 1024;

/// Posts requests to one URL.
#[derive(Debug)]
pub(crate) struct HttpTransport {
    client: Client<HttpConnector, Full<Bytes>>,
    endpoint: Uri,
    headers: HeaderMap,
}

impl HttpTransport {
    pub(crate) fn new(endpoint: Uri, mut headers: HeaderMap) -> Self {
        headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(super::USER_AGENT));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { client, endpoint, headers }
    }

    /// Posts one encoded request.
    pub(crate) async fn send(&self, body: Bytes) -> Result<Accepted, ExportError> {
        let broken = |error: &dyn std::error::Error| ExportError::Connection {
            endpoint: self.endpoint.to_string(),
            reason: innermost(error),
        };
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.endpoint.clone();
        *request.headers_mut() = self.headers.clone();
        let response = self.client.request(request).await.map_err(|error| broken(&error))?;
        let status = response.status();
        let body = read(response.into_body()).await;
        if !status.is_success() {
            let body = printable(&body.unwrap_or_default());
            return Err(ExportError::Status { endpoint: self.endpoint.to_string(), status: status.as_u16(), body });
        }
        // The status already said that the spans arrived; an answer that breaks off adds nothing to it.
        Ok(response::accepted(&body.unwrap_or_default()))
    }
}

async fn read(mut body: Incoming) -> Result<Bytes, hyper::Error> {
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            let room = LONGEST_ANSWER - read.len();
            read.extend_from_slice(&data[..data.len().min(room)]);
            if read.len() == LONGEST_ANSWER {
                break;
            }
        }
    }
    Ok(read.freeze())
}
