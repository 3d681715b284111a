//! Receives a command's spans by OTLP over HTTP, on this machine only.

use super::{json, otlp};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use otelier_registry::check::SpanSample;
use std::convert::Infallible;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;
use std::{io, thread};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// The longest body that is taken; exporters send a few hundred spans at once.
const MAX_BODY: usize = 64 << 20;

/// How many requests may wait for being checked.
const WAITING: usize = 16;

/// How long connections that a command has left open are waited for.
const PATIENCE: Duration = Duration::from_secs(2);

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// What a request brought: spans, or why it was refused.
pub(super) type Received = Result<Vec<SpanSample>, String>;

/// Runs `command` with `take` as the receiver of its spans, until it has ended.
pub(super) fn run(command: &mut Command, mut take: impl FnMut(Received)) -> Result<ExitStatus, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("the receiver does not start: {error}"))?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let bound = listener.and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) = bound.map_err(|error| format!("the receiver does not start: {error}"))?;
        let child = environment(command, &format!("http://{address}")).spawn();
        let program = command.get_program().display().to_string();
        let ended = wait(child.map_err(|error| format!("`{program}` does not start: {error}"))?);
        let (sender, mut receiver) = mpsc::channel(WAITING);
        let server = tokio::spawn(serve(listener, sender, ended));
        while let Some(received) = receiver.recv().await {
            take(received);
        }
        let status = server.await.map_err(|error| format!("the receiver failed: {error}"))?;
        status.map_err(|error| format!("`{program}` cannot be waited for: {error}"))
    })
}

/// Sends the spans of `command` to `endpoint`, whatever else this process's environment says.
fn environment<'a>(command: &'a mut Command, endpoint: &str) -> &'a mut Command {
    for name in ["HEADERS", "COMPRESSION", "CERTIFICATE", "CLIENT_KEY", "CLIENT_CERTIFICATE", "TIMEOUT", "INSECURE"] {
        command.env_remove(format!("OTEL_EXPORTER_OTLP_{name}"));
        command.env_remove(format!("OTEL_EXPORTER_OTLP_TRACES_{name}"));
    }
    command
        .env_remove("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
        .env_remove("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")
        .env_remove("OTEL_SDK_DISABLED")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        .env("OTEL_TRACES_EXPORTER", "otlp")
        .env("OTEL_TRACES_SAMPLER", "always_on")
        .env("OTELIER_SPAN_TYPES", "true")
}

/// Tells when `child` has ended.
fn wait(mut child: Child) -> oneshot::Receiver<io::Result<ExitStatus>> {
    let (sender, receiver) = oneshot::channel();
    thread::spawn(move || {
        // Nobody listens any more when the receiver has failed.
        let _ = sender.send(child.wait());
    });
    receiver
}

/// Takes connections until the command has `ended`, and what they still bring.
async fn serve(
    listener: TcpListener,
    sender: mpsc::Sender<Received>,
    mut ended: oneshot::Receiver<io::Result<ExitStatus>>,
) -> io::Result<ExitStatus> {
    let mut connections = JoinSet::new();
    let status = loop {
        tokio::select! {
            status = &mut ended => break status,
            Ok((stream, _)) = listener.accept() => {
                connections.spawn(connection(stream, sender.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    };
    // What the command sent just before its end may not be accepted yet.
    while let Ok(Ok((stream, _))) = timeout(Duration::from_millis(20), listener.accept()).await {
        connections.spawn(connection(stream, sender.clone()));
    }
    // Connections that other processes keep open are closed with the set.
    let _ = timeout(PATIENCE, async { while connections.join_next().await.is_some() {} }).await;
    status.unwrap_or_else(|_| Err(io::Error::other("the thread that waits for it ended")))
}

async fn connection(stream: TcpStream, sender: mpsc::Sender<Received>) {
    let service = hyper::service::service_fn(move |request| {
        let sender = sender.clone();
        async move { Ok::<_, Infallible>(answer(request, &sender).await) }
    });
    // A client that goes away is none of the receiver's business.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// Takes one request.
async fn answer(request: Request<Incoming>, sender: &mpsc::Sender<Received>) -> Response<Full<Bytes>> {
    let json = content_type(&request) == JSON;
    match request.uri().path() {
        "/v1/traces" if request.method() == Method::POST => {}
        // Programs that send these too are not to stumble.
        "/v1/metrics" | "/v1/logs" => return respond(StatusCode::OK, json, Bytes::new()),
        path => {
            let path = path.to_owned();
            return refuse(StatusCode::NOT_FOUND, format!("expected POST /v1/traces, not {path:?}"), sender).await;
        }
    }
    match body(request).await {
        Ok(spans) => {
            // The receiver is there as long as connections are.
            let _ = sender.send(Ok(spans)).await;
            respond(StatusCode::OK, json, if json { Bytes::from_static(b"{}") } else { Bytes::new() })
        }
        Err((status, why)) => refuse(status, why, sender).await,
    }
}

fn content_type(request: &Request<Incoming>) -> &str {
    let value = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

async fn body(request: Request<Incoming>) -> Result<Vec<SpanSample>, (StatusCode, String)> {
    if let Some(encoding) = request.headers().get(CONTENT_ENCODING).filter(|encoding| *encoding != "identity") {
        let why = format!("the body is encoded as {encoding:?}; expected it without compression");
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
    }
    let read = match content_type(&request) {
        PROTOBUF => otlp::protobuf,
        JSON => json::spans,
        other => {
            let why = format!("the body is {other:?}; expected {PROTOBUF} or {JSON}");
            return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
        }
    };
    let too_long = || (StatusCode::PAYLOAD_TOO_LARGE, format!("the body is longer than {MAX_BODY} bytes"));
    if request.body().size_hint().lower() > MAX_BODY as u64 {
        return Err(too_long());
    }
    let body = Limited::new(request.into_body(), MAX_BODY).collect().await;
    let body = body.map_err(|error| match error.is::<LengthLimitError>() {
        true => too_long(),
        false => (StatusCode::BAD_REQUEST, format!("the body broke off: {error}")),
    })?;
    read(&body.to_bytes()).map_err(|why| (StatusCode::BAD_REQUEST, format!("the body is not understood: {why}")))
}

async fn refuse(status: StatusCode, why: String, sender: &mpsc::Sender<Received>) -> Response<Full<Bytes>> {
    let body = Bytes::from(why.clone());
    let _ = sender.send(Err(why)).await;
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response
}

fn respond(status: StatusCode, json: bool, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let content_type = http::HeaderValue::from_static(if json { JSON } else { PROTOBUF });
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}
