//! OTLP over HTTP/1.1, and Zipkin's JSON.

use crate::behaviour::Behaviour;
use crate::connection::{Connection, Wire};
use crate::received::{Envelope, Received};
use crate::tls::Acceptor;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, Read as _};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::net::TcpListener;

const PROTOBUF: Option<&str> = Some("application/x-protobuf");

pub(crate) async fn serve(listener: TcpListener, acceptor: Acceptor, received: Arc<Received>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (wire, unread) = received.connect();
        let stream = Connection::new(stream, Arc::clone(&wire));
        if unread {
            wire.reset();
            continue;
        }
        let (received, acceptor) = (Arc::clone(&received), acceptor.clone());
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let service = hyper::service::service_fn(move |request| {
                let (received, wire) = (Arc::clone(&received), Arc::clone(&wire));
                async move { answer(&received, &wire, request).await }
            });
            // A client that goes away is none of the server's business.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// A response's body: one piece of data, and how it ends.
struct Answer {
    data: Option<Bytes>,
    ending: Ending,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Clean,
    /// The next poll gives time to send what was written; the one after it fails.
    Flush,
    Break,
    Never,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(data) = self.data.take().filter(|data| !data.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        match self.ending {
            Ending::Clean => Poll::Ready(None),
            Ending::Flush => {
                self.ending = Ending::Break;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Ending::Break => Poll::Ready(Some(Err(io::Error::other("the body breaks off on purpose")))),
            Ending::Never => Poll::Pending,
        }
    }

    fn size_hint(&self) -> SizeHint {
        let data = self.data.as_ref().map_or(0, |data| data.len() as u64);
        // More is announced than a body that does not end well delivers.
        SizeHint::with_exact(if self.ending == Ending::Clean { data } else { data + 100 })
    }
}

fn respond(status: StatusCode, content_type: Option<&str>, body: Vec<u8>) -> Response<Answer> {
    let mut response = Response::new(Answer { data: Some(body.into()), ending: Ending::Clean });
    *response.status_mut() = status;
    if let Some(content_type) = content_type.and_then(|text| text.parse().ok()) {
        response.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    response
}

fn ending(ending: Ending) -> Response<Answer> {
    let mut response = respond(StatusCode::OK, PROTOBUF, vec![0x0a]);
    response.body_mut().ending = ending;
    response
}

#[derive(Clone, Copy)]
enum Signal {
    Traces,
    Logs,
    Metrics,
}

/// A request of one of the signals.
enum Message {
    Traces(ExportTraceServiceRequest),
    Logs(ExportLogsServiceRequest),
    Metrics(ExportMetricsServiceRequest),
}

async fn answer(received: &Received, wire: &Wire, request: Request<Incoming>) -> io::Result<Response<Answer>> {
    let (head, body) = request.into_parts();
    if head.uri.path() == "/api/v2/spans" && head.method == http::Method::POST {
        return zipkin(received, wire, head, body).await;
    }
    let signal = match head.uri.path() {
        "/v1/traces" => Signal::Traces,
        "/v1/logs" if received.logs.is_some() => Signal::Logs,
        "/v1/metrics" => Signal::Metrics,
        _ => return Ok(not_found()),
    };
    if head.method != http::Method::POST {
        return Ok(not_found());
    }
    let encoding = match head.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes) {
        Some(b"application/x-protobuf") => Encoding::Protobuf,
        Some(b"application/json") => Encoding::Json,
        _ => return Ok(respond(StatusCode::UNSUPPORTED_MEDIA_TYPE, None, Vec::new())),
    };
    let Ok(body) = body.collect().await else {
        return Ok(respond(StatusCode::BAD_REQUEST, None, b"the body broke off".to_vec()));
    };
    let body = body.to_bytes();
    let body = match head.headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None => Some(body.to_vec()),
        Some(b"gzip") => {
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(&*body).read_to_end(&mut plain).ok().map(|_| plain)
        }
        Some(b"zstd") => zstd::decode_all(&*body).ok(),
        Some(_) => None,
    };
    let envelope = Envelope { headers: head.headers, wire };
    let behaviour = match body.and_then(|body| encoding.request(signal, &body)) {
        Some(Message::Traces(request)) => received.add(request, envelope).await,
        Some(Message::Logs(request)) => received.add_logs(request, envelope).await,
        Some(Message::Metrics(request)) => received.add_metrics(request, envelope).await,
        None => return Ok(respond(StatusCode::BAD_REQUEST, None, b"not an export request of this signal".to_vec())),
    };
    match behaviour {
        // The successes of all signals without anything to say are alike.
        Behaviour::Accept => Ok(encoding.respond(&ExportTraceServiceResponse::default())),
        Behaviour::Reject(count, text) => Ok(rejection(encoding, signal, count, text)),
        other => misbehave(other).await,
    }
}

/// Zipkin says nothing of what it accepts.
async fn zipkin(received: &Received, wire: &Wire, head: Parts, body: Incoming) -> io::Result<Response<Answer>> {
    if head.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes) != Some(b"application/json") {
        return Ok(respond(StatusCode::UNSUPPORTED_MEDIA_TYPE, None, Vec::new()));
    }
    let Ok(body) = body.collect().await else {
        return Ok(respond(StatusCode::BAD_REQUEST, None, b"the body broke off".to_vec()));
    };
    let Ok(spans) = serde_json::from_slice(&body.to_bytes()) else {
        return Ok(respond(StatusCode::BAD_REQUEST, None, b"not JSON".to_vec()));
    };
    match received.add_zipkin(spans, Envelope { headers: head.headers, wire }).await {
        Behaviour::Accept | Behaviour::Reject(..) => Ok(respond(StatusCode::ACCEPTED, None, Vec::new())),
        other => misbehave(other).await,
    }
}

/// What does not depend on what was sent.
async fn misbehave(behaviour: Behaviour) -> io::Result<Response<Answer>> {
    Ok(match behaviour {
        Behaviour::Hang => std::future::pending().await,
        Behaviour::Disconnect => return Err(io::Error::other("the connection is closed on purpose")),
        Behaviour::Truncate => ending(Ending::Flush),
        Behaviour::HangInBody => ending(Ending::Never),
        Behaviour::Status(_) | Behaviour::Details(..) => {
            respond(StatusCode::NOT_IMPLEMENTED, None, b"on purpose".to_vec())
        }
        Behaviour::NoCompression => respond(StatusCode::UNSUPPORTED_MEDIA_TYPE, None, b"no compression".to_vec()),
        Behaviour::Throttle(status, pauses) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
            let mut response = respond(status, None, b"later".to_vec());
            let pauses = pauses.iter().filter_map(|pause| HeaderValue::from_str(pause).ok());
            pauses.for_each(|pause| _ = response.headers_mut().append(RETRY_AFTER, pause));
            response
        }
        Behaviour::Fail(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            respond(status, None, b"out of \x1b[31morder".to_vec())
        }
        Behaviour::Raw(status, content_type, body) => {
            respond(StatusCode::from_u16(status).unwrap_or(StatusCode::OK), content_type, body)
        }
        // The others do not come here: what they do has been done already.
        _ => respond(StatusCode::OK, None, Vec::new()),
    })
}

fn rejection(encoding: Encoding, signal: Signal, count: i64, error_message: String) -> Response<Answer> {
    match signal {
        Signal::Traces => {
            let partial_success = Some(ExportTracePartialSuccess { rejected_spans: count, error_message });
            encoding.respond(&ExportTraceServiceResponse { partial_success })
        }
        Signal::Logs => {
            let partial_success = Some(ExportLogsPartialSuccess { rejected_log_records: count, error_message });
            encoding.respond(&ExportLogsServiceResponse { partial_success })
        }
        Signal::Metrics => {
            let partial_success = Some(ExportMetricsPartialSuccess { rejected_data_points: count, error_message });
            encoding.respond(&ExportMetricsServiceResponse { partial_success })
        }
    }
}

fn not_found() -> Response<Answer> {
    respond(StatusCode::NOT_FOUND, None, b"expected POST /v1/traces".to_vec())
}

/// How requests are encoded, and so their answers.
#[derive(Clone, Copy)]
enum Encoding {
    Protobuf,
    Json,
}

impl Encoding {
    fn request(self, signal: Signal, body: &[u8]) -> Option<Message> {
        Some(match signal {
            Signal::Traces => Message::Traces(self.decode(body)?),
            Signal::Logs => Message::Logs(self.decode(body)?),
            Signal::Metrics => Message::Metrics(self.decode(body)?),
        })
    }

    fn decode<M: prost::Message + Default + DeserializeOwned>(self, body: &[u8]) -> Option<M> {
        match self {
            Self::Protobuf => M::decode(body).ok(),
            Self::Json => serde_json::from_slice(body).inspect_err(|error| eprintln!("not OTLP JSON: {error}")).ok(),
        }
    }

    fn respond(self, message: &(impl prost::Message + Serialize)) -> Response<Answer> {
        let (content_type, body) = match self {
            Self::Protobuf => (PROTOBUF, message.encode_to_vec()),
            Self::Json => (Some("application/json"), serde_json::to_vec(message).unwrap_or_default()),
        };
        respond(StatusCode::OK, content_type, body)
    }
}
