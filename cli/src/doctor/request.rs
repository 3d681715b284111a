//! One OTLP request with everything that the answer says, which the runtime's exporter does not keep.

use super::target::{Target, decoded};
use bytes::{BufMut, Bytes, BytesMut};
use http::header::{ACCEPT, CONTENT_TYPE, HOST, TE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use otelier::config::Protocol;
use std::error::Error;
use std::time::{Duration, Instant, SystemTime};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// More than an honest receiver says.
const MAX_ANSWER: usize = 64 * 1024;

/// What a receiver said.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Of gRPC, the number of the status, and its message.
    pub(super) grpc: Option<(u16, String)>,
    pub(super) headers: HeaderMap,
    /// The message of the answer; of an answer that refuses by HTTP, its text.
    pub(super) body: Bytes,
    /// When the request was sent, and how long the answer took.
    pub(super) sent: SystemTime,
    pub(super) took: Duration,
}

impl Answer {
    /// Whether this is what a receiver of OTLP says, good or bad.
    pub(super) fn is_otlp(&self, protocol: Protocol) -> bool {
        match protocol {
            Protocol::Grpc => self.grpc.is_some(),
            _ => self.status == 200 || self.status == 401 || self.status == 403,
        }
    }

    /// Why it was refused: `401 Unauthorized`, `UNAUTHENTICATED: …`.
    pub(super) fn refusal(&self) -> Option<String> {
        match &self.grpc {
            Some((0, _)) => None,
            Some((code, message)) => {
                let name = otelier_spec::GRPC_STATUSES.get(usize::from(*code)).copied().unwrap_or("UNKNOWN");
                Some(if message.is_empty() { name.to_owned() } else { format!("{name}: {message}") })
            }
            None if (200..300).contains(&self.status) => None,
            None => {
                let reason = http::StatusCode::from_u16(self.status).ok().and_then(|status| status.canonical_reason());
                let text = super::printable(&self.body);
                let text = if text.is_empty() { text } else { format!(": {text}") };
                Some(format!("{} {}{text}", self.status, reason.unwrap_or_default()).trim().to_owned())
            }
        }
    }
}

/// Sends `message` there, on a connection of its own, and waits for the answer.
///
/// `method` is gRPC's: `/opentelemetry.proto.collector.metrics.v1.MetricsService/Export`.
pub(super) async fn send(target: &Target, method: &str, message: Bytes, limit: Duration) -> Result<Answer, String> {
    let sent = async {
        let stream = TcpStream::connect((target.host(), target.port())).await.map_err(|error| error.to_string())?;
        match target.is_tls() {
            false => exchange(target, method, message, stream).await,
            #[cfg(feature = "tls")]
            true => exchange(target, method, message, super::tls::connect(target, stream).await?).await,
            #[cfg(not(feature = "tls"))]
            true => Err("this command was built without TLS".to_owned()),
        }
    };
    timeout(limit, sent).await.unwrap_or_else(|_| Err(format!("no answer within {limit:?}")))
}

async fn exchange<S>(target: &Target, method: &str, message: Bytes, stream: S) -> Result<Answer, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let stream = TokioIo::new(stream);
    let request = request(target, method, message)?;
    let broken = |error: hyper::Error| innermost(&error);
    let (sent, begun) = (SystemTime::now(), Instant::now());
    let response = match target.protocol {
        Protocol::Grpc => {
            let (mut sender, connection) =
                hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.map_err(broken)?;
            tokio::spawn(connection);
            sender.send_request(request).await.map_err(broken)?
        }
        _ => {
            let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.map_err(broken)?;
            tokio::spawn(connection);
            sender.send_request(request).await.map_err(broken)?
        }
    };
    answer(target, response, sent, begun).await
}

fn request(target: &Target, method: &str, message: Bytes) -> Result<Request<Full<Bytes>>, String> {
    let (uri, content_type, body) = match target.protocol {
        Protocol::Grpc => {
            let mut body = BytesMut::with_capacity(message.len() + 5);
            body.put_u8(0);
            body.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
            body.put(message);
            let uri = format!("{}://{}{method}", target.url.scheme_str().unwrap_or("http"), target.address());
            (uri, "application/grpc", body.freeze())
        }
        _ => {
            let path = target.url.path_and_query().map_or("/", |path| path.as_str());
            let json = target.protocol == Protocol::HttpJson;
            (path.to_owned(), if json { "application/json" } else { "application/x-protobuf" }, message)
        }
    };
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri.parse().map_err(|_| "the endpoint's path is not one of HTTP".to_owned())?;
    let headers = request.headers_mut();
    for (name, value) in &target.headers {
        headers.append(name, value.clone());
    }
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("otelier-doctor/", env!("CARGO_PKG_VERSION"))));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    match target.protocol {
        Protocol::Grpc => drop(headers.insert(TE, HeaderValue::from_static("trailers"))),
        _ => {
            let host = HeaderValue::from_str(&target.address()).map_err(|error| error.to_string())?;
            headers.insert(HOST, host);
            headers.insert(ACCEPT, HeaderValue::from_static(content_type));
        }
    }
    Ok(request)
}

async fn answer(
    target: &Target,
    response: Response<Incoming>,
    sent: SystemTime,
    begun: Instant,
) -> Result<Answer, String> {
    let (head, body) = response.into_parts();
    let whole = Limited::new(body, MAX_ANSWER).collect().await;
    let took = begun.elapsed();
    let whole = whole.map_err(|error| format!("its answer broke off: {}", innermost(&*error)))?;
    let trailers = whole.trailers().cloned().unwrap_or_default();
    let mut body = whole.to_bytes();
    let mut grpc = None;
    if target.protocol == Protocol::Grpc {
        let field = |name: &str| trailers.get(name).or_else(|| head.headers.get(name)).map(HeaderValue::as_bytes);
        let code = field("grpc-status").and_then(|code| std::str::from_utf8(code).ok()?.parse().ok());
        grpc = code.map(|code| {
            (code, super::printable(&decoded(&String::from_utf8_lossy(field("grpc-message").unwrap_or_default()))))
        });
        // Without the five bytes before the message.
        if grpc.is_some() {
            body = body.slice(body.len().min(5)..);
        }
    }
    let answer = Answer { status: head.status.as_u16(), grpc, headers: head.headers, body, sent, took };
    if target.protocol == Protocol::Grpc && answer.grpc.is_none() && answer.status == 200 {
        return Err(format!("what answers there is no receiver of {}", target.protocol.as_str()));
    }
    Ok(answer)
}

/// The innermost reason of an error: outer ones only say that something went wrong.
fn innermost(error: &dyn Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    super::printable(error.to_string().as_bytes())
}
