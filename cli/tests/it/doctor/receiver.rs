//! Receivers on this machine that do as they are told.

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::sync::mpsc;
use std::thread;
use tokio::net::TcpListener;

/// What a receiver does with requests.
#[derive(Clone, Debug)]
pub(crate) enum Behaviour {
    Accept,
    /// Answers with this status of HTTP.
    Status(u16),
    /// Answers with this status of gRPC.
    Grpc(u16),
    /// Takes the connection, and never answers.
    Hang,
    /// Rejects what it got, with this text.
    Reject(&'static str),
    /// Answers with this `Date`.
    Date(&'static str),
    /// Knows spans only.
    SpansOnly,
    /// Accepts if the header `authorization` is this.
    Token(&'static str),
}

/// A receiver that lives as long as the test.
pub(crate) struct Receiver {
    pub(crate) port: u16,
    /// The path of each request with something in it.
    pub(crate) requests: mpsc::Receiver<(String, HeaderMap)>,
}

impl Receiver {
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

pub(crate) fn http(behaviour: Behaviour) -> Receiver {
    serve(behaviour, false)
}

pub(crate) fn grpc(behaviour: Behaviour) -> Receiver {
    serve(behaviour, true)
}

fn serve(behaviour: Behaviour, grpc: bool) -> Receiver {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, requests) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let (behaviour, sender) = (behaviour.clone(), sender.clone());
                let service = service_fn(move |request| {
                    let (behaviour, sender) = (behaviour.clone(), sender.clone());
                    async move { Ok::<_, Infallible>(answer(request, &behaviour, grpc, &sender).await) }
                });
                tokio::spawn(async move {
                    let stream = TokioIo::new(stream);
                    // What clients do to a connection is what is tested.
                    let _ = match grpc {
                        true => {
                            hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                                .serve_connection(stream, service)
                                .await
                        }
                        false => hyper::server::conn::http1::Builder::new().serve_connection(stream, service).await,
                    };
                });
            }
        });
    });
    Receiver { port, requests }
}

type Answer = Response<BoxBody<Bytes, Infallible>>;

pub(super) async fn answer(
    request: Request<Incoming>,
    behaviour: &Behaviour,
    grpc: bool,
    sender: &mpsc::Sender<(String, HeaderMap)>,
) -> Answer {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let path = head.uri.path().to_owned();
    // A test that has seen enough is gone.
    let _ = sender.send((path.clone(), head.headers.clone()));
    let is_empty = body.len() <= if grpc { 5 } else { 0 };
    let known = if grpc { path.ends_with("Service/Export") } else { path.starts_with("/v1/") };
    let spans = path.contains("/v1/traces") || path.contains("TraceService");
    let (mut status, mut code, mut message, mut date) = (200, 0, Vec::new(), None);
    match behaviour {
        _ if !known => (status, code) = (404, 12),
        Behaviour::Accept => {}
        Behaviour::Status(given) => status = *given,
        Behaviour::Grpc(given) => code = *given,
        Behaviour::Hang => std::future::pending().await,
        Behaviour::Reject(text) if !is_empty => message = rejected(text),
        Behaviour::Reject(_) => {}
        Behaviour::Date(given) => date = Some(*given),
        Behaviour::SpansOnly if spans => {}
        Behaviour::SpansOnly => (status, code) = (404, 12),
        Behaviour::Token(token) => {
            if head.headers.get("authorization").is_none_or(|given| given != token) {
                (status, code) = (401, 16);
            }
        }
    }
    let mut response = if grpc { grpc_answer(code, &message) } else { Response::new(Full::from(message).boxed()) };
    if !grpc {
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
    }
    if let Some(date) = date {
        response.headers_mut().insert("date", HeaderValue::from_static(date));
    }
    response
}

/// `partial_success` with one rejected, and the text.
fn rejected(text: &str) -> Vec<u8> {
    let mut partial = vec![0x08, 1, 0x12, u8::try_from(text.len()).unwrap()];
    partial.extend_from_slice(text.as_bytes());
    let mut message = vec![0x0a, u8::try_from(partial.len()).unwrap()];
    message.extend(partial);
    message
}

fn grpc_answer(code: u16, message: &[u8]) -> Answer {
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).unwrap());
    frame.put(message);
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from(code));
    trailers.insert("grpc-message", HeaderValue::from_static("on%20purpose"));
    let frames = match code {
        0 => vec![Frame::data(frame.freeze()), Frame::trailers(trailers)],
        _ => vec![Frame::trailers(trailers)],
    };
    let body = StreamBody::new(Frames(frames.into_iter()));
    let mut response = Response::new(BodyExt::boxed(body));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    response
}

/// Frames that are all there.
struct Frames(std::vec::IntoIter<Frame<Bytes>>);

impl futures_core::Stream for Frames {
    type Item = Result<Frame<Bytes>, Infallible>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(self.0.next().map(Ok))
    }
}
