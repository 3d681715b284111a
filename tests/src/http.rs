//! OTLP over HTTP/1.1.

use crate::{Behaviour, Received};
use bytes::Bytes;
use http::{Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::net::TcpListener;

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

fn respond(status: StatusCode, content_type: Option<&str>, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    if let Some(content_type) = content_type.and_then(|text| text.parse().ok()) {
        response.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    response
}

async fn answer(received: Arc<Received>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    const PROTOBUF: Option<&str> = Some("application/x-protobuf");
    let (head, body) = request.into_parts();
    if head.uri.path() != "/v1/traces" || head.method != http::Method::POST {
        return Ok(respond(StatusCode::NOT_FOUND, None, b"expected POST /v1/traces".to_vec()));
    }
    if head.headers.get(CONTENT_TYPE).is_none_or(|found| found != "application/x-protobuf") {
        return Ok(respond(StatusCode::UNSUPPORTED_MEDIA_TYPE, None, Vec::new()));
    }
    let Ok(body) = body.collect().await else {
        return Ok(respond(StatusCode::BAD_REQUEST, None, b"the body broke off".to_vec()));
    };
    let Ok(request) = ExportTraceServiceRequest::decode(body.to_bytes()) else {
        return Ok(respond(StatusCode::BAD_REQUEST, None, b"not an ExportTraceServiceRequest".to_vec()));
    };
    received.add(request, head.headers);
    let mut message = ExportTraceServiceResponse::default();
    Ok(match &received.behaviour {
        Behaviour::Accept => respond(StatusCode::OK, PROTOBUF, message.encode_to_vec()),
        Behaviour::Hang => std::future::pending().await,
        Behaviour::Fail(status) => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            respond(status, None, b"out of \x1b[31morder".to_vec())
        }
        Behaviour::Reject(spans, text) => {
            message.partial_success =
                Some(ExportTracePartialSuccess { rejected_spans: *spans, error_message: text.clone() });
            respond(StatusCode::OK, PROTOBUF, message.encode_to_vec())
        }
        Behaviour::Raw(status, content_type, body) => {
            respond(StatusCode::from_u16(*status).unwrap_or(StatusCode::OK), *content_type, body.clone())
        }
    })
}
