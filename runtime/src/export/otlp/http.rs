//! OTLP over HTTP/1.1 with protobuf or JSON bodies.

use super::endpoint::Place;
use super::error::ExportError;
use super::response::{self, Encoding};
use super::tls::{self, Connector};
use super::{Body, Trust};
use crate::export::Accepted;
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, ResponseFuture};
use hyper_util::rt::TokioExecutor;
use std::time::{Duration, SystemTime};

/// How long the rest of an answer may take once its status is there, which has said what became of the spans.
const PATIENCE: Duration = Duration::from_secs(1);

/// Posts requests to one URL.
#[derive(Debug)]
pub(crate) struct HttpTransport {
    client: Connections,
    endpoint: Place,
    headers: HeaderMap,
    body: Body,
    /// The rest of a longer answer is not read.
    longest_answer: usize,
}

/// The connections to one receiver.
#[derive(Debug)]
pub(super) enum Connections {
    Net(Client<Connector, Full<Bytes>>),
    #[cfg(unix)]
    Socket(Client<super::unix::Socket, Full<Bytes>>),
}

impl Connections {
    pub(super) fn to(endpoint: &Place, trust: Trust) -> Self {
        let builder = Client::builder(TokioExecutor::new());
        #[cfg(unix)]
        if let Some(path) = &endpoint.socket {
            return Self::Socket(builder.build(super::unix::Socket(path.clone())));
        }
        #[cfg(not(unix))]
        let _ = endpoint;
        Self::Net(builder.build(tls::http(trust)))
    }

    pub(super) fn request(&self, request: Request<Full<Bytes>>) -> ResponseFuture {
        match self {
            Self::Net(client) => client.request(request),
            #[cfg(unix)]
            Self::Socket(client) => client.request(request),
        }
    }
}

impl HttpTransport {
    pub(crate) fn new(
        endpoint: Place,
        mut headers: HeaderMap,
        body: Body,
        trust: Trust,
        longest_answer: usize,
    ) -> Self {
        headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(super::USER_AGENT));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(body.encoding.content_type()));
        if let Some(word) = body.content_encoding() {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(word));
        }
        let client = Connections::to(&endpoint, trust);
        Self { client, endpoint, headers, body, longest_answer }
    }

    /// Posts one encoded request of OTLP.
    pub(crate) async fn send(&self, body: Bytes) -> Result<Accepted, ExportError> {
        let (encoding, body) = self.post(body).await.map_err(ExportError::naming_headers)?;
        // An answer of unknown kind should be of the request's.
        Ok(response::accepted(encoding.unwrap_or(self.body.encoding), &body))
    }

    /// Posts a body, and gives what a success says; any other answer is an error.
    pub(super) async fn post(&self, body: Bytes) -> Result<(Option<Encoding>, Bytes), ExportError> {
        // The collector's runtime stands still between batches, so a connection that the receiver closed in the meantime
        // still looks open, and a request on it would be lost. Yielding lets it see what happened to it.
        tokio::task::yield_now().await;
        let mut request = Request::new(Full::new(self.body.carried(body)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.endpoint.uri.clone();
        *request.headers_mut() = self.headers.clone();
        let response =
            self.client.request(request).await.map_err(|error| ExportError::connection(&self.endpoint, &error))?;
        let (head, body) = response.into_parts();
        let body = read(body, self.longest_answer).await;
        judged(&self.endpoint, head.status, &head.headers, body)
    }
}

/// What an answer says: a success with its body, or why the request was refused.
pub(super) fn judged(
    endpoint: &Place,
    status: StatusCode,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<(Option<Encoding>, Bytes), ExportError> {
    let encoding = Encoding::of(headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()));
    if status.is_success() {
        return Ok((encoding, body));
    }
    let pause = super::retry_after::pause(headers, SystemTime::now());
    let body = response::complaint(encoding, &body);
    Err(ExportError::Status { endpoint: endpoint.shown(), status: status.as_u16(), body, pause })
}

/// The body as far as it comes: one that breaks off or does not end cannot take back what the status said.
async fn read(mut body: Incoming, longest: usize) -> Bytes {
    let mut read = BytesMut::new();
    let all = async {
        while let Some(Ok(frame)) = body.frame().await {
            let Ok(data) = frame.into_data() else { continue };
            let room = longest - read.len();
            read.extend_from_slice(&data[..data.len().min(room)]);
            if read.len() == longest {
                break;
            }
        }
    };
    // What was read in time is kept either way.
    let _ = tokio::time::timeout(PATIENCE, all).await;
    read.freeze()
}
