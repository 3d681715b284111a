//! OTLP over HTTP/1.1.

use crate::{Behaviour, Received};
use bytes::Bytes;
use http::{Request, Response, StatusCode, header::CONTENT_TYPE};
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
use prost::Message;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::net::TcpListener;

const PROTOBUF: Option<&str> = Some("application/x-protobuf");

pub(crate) async fn serve(listener: TcpListener, received: Arc<Received>) {
    while let Ok((stream, _)) = listener.accept().await {
        let received = Arc::clone(&received);
        tokio::spawn(async move {
            let service = hyper::service::service_fn(move |request| answer(Arc::clone(&received), request));
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

async fn answer(received: Arc<Received>, request: Request<Incoming>) -> io::Result<Response<Answer>> {
    let (head, body) = request.into_parts();
    let signal = match head.uri.path() {
        "/v1/traces" => Signal::Traces,
        "/v1/logs" if received.logs.is_some() => Signal::Logs,
        "/v1/metrics" => Signal::Metrics,
        _ => return Ok(not_found()),
    };
    if head.method != http::Method::POST {
        return Ok(not_found());
    }
    if head.headers.get(CONTENT_TYPE).is_none_or(|found| found != "application/x-protobuf") {
        return Ok(respond(StatusCode::UNSUPPORTED_MEDIA_TYPE, None, Vec::new()));
    }
    let Ok(body) = body.collect().await else {
        return Ok(respond(StatusCode::BAD_REQUEST, None, b"the body broke off".to_vec()));
    };
    let (body, headers) = (body.to_bytes(), head.headers);
    let behaviour = match signal {
        Signal::Traces => ExportTraceServiceRequest::decode(body).map(|request| received.add(request, headers)),
        Signal::Logs => ExportLogsServiceRequest::decode(body).map(|request| received.add_logs(request, headers)),
        Signal::Metrics => {
            ExportMetricsServiceRequest::decode(body).map(|request| received.add_metrics(request, headers))
        }
    };
    let Ok(behaviour) = behaviour else {
        return Ok(respond(StatusCode::BAD_REQUEST, None, b"not an export request of this signal".to_vec()));
    };
    Ok(match behaviour {
        // The successes of all signals without anything to say are alike.
        Behaviour::Accept => respond(StatusCode::OK, PROTOBUF, ExportTraceServiceResponse::default().encode_to_vec()),
        Behaviour::Hang => std::future::pending().await,
        Behaviour::Disconnect => return Err(io::Error::other("the connection is closed on purpose")),
        Behaviour::Truncate => ending(Ending::Flush),
        Behaviour::HangInBody => ending(Ending::Never),
        Behaviour::Status(_) => respond(StatusCode::NOT_IMPLEMENTED, None, b"on purpose".to_vec()),
        Behaviour::Fail(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            respond(status, None, b"out of \x1b[31morder".to_vec())
        }
        Behaviour::Reject(count, text) => respond(StatusCode::OK, PROTOBUF, rejection(signal, count, text)),
        Behaviour::Raw(status, content_type, body) => {
            respond(StatusCode::from_u16(status).unwrap_or(StatusCode::OK), content_type, body)
        }
    })
}

fn rejection(signal: Signal, count: i64, error_message: String) -> Vec<u8> {
    match signal {
        Signal::Traces => {
            let partial_success = Some(ExportTracePartialSuccess { rejected_spans: count, error_message });
            ExportTraceServiceResponse { partial_success }.encode_to_vec()
        }
        Signal::Logs => {
            let partial_success = Some(ExportLogsPartialSuccess { rejected_log_records: count, error_message });
            ExportLogsServiceResponse { partial_success }.encode_to_vec()
        }
        Signal::Metrics => {
            let partial_success = Some(ExportMetricsPartialSuccess { rejected_data_points: count, error_message });
            ExportMetricsServiceResponse { partial_success }.encode_to_vec()
        }
    }
}

fn not_found() -> Response<Answer> {
    respond(StatusCode::NOT_FOUND, None, b"expected POST /v1/traces".to_vec())
}
