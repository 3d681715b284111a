//! A router behind a layer, and how one request goes through it.

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::routing::get;
use http::{HeaderValue, Request, header};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use tower_service::Service;

/// What is measured.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    /// Answers one request, and reads the answer to its end.
    pub(crate) answer: Box<dyn FnMut(Request<Body>)>,
}

impl Subject {
    pub(crate) fn new<S, B>(name: &'static str, mut service: S) -> Self
    where
        S: Service<Request<Body>, Response = http::Response<B>, Error = Infallible> + 'static,
        B: http_body::Body,
    {
        let answer = move |request| {
            let mut task = Context::from_waker(Waker::noop());
            let mut future = pin!(service.call(request));
            let response = loop {
                if let Poll::Ready(response) = future.as_mut().poll(&mut task) {
                    break response;
                }
            };
            let Ok(response) = response;
            let mut body = pin!(response.into_body());
            while let Poll::Pending | Poll::Ready(Some(_)) = body.as_mut().poll_frame(&mut task) {}
        };
        Self { name, answer: Box::new(answer) }
    }
}

/// The bare handler.
pub(crate) fn router() -> Router {
    Router::new().route("/orders/{id}", get(|| async { "one" }))
}

/// A request, perhaps with these headers of a trace.
pub(crate) fn request(traceparent: Option<&'static str>) -> Request<Body> {
    let mut request = Request::get("/orders/4711?symbol=BTCUSDT").body(Body::empty()).expect("it is one");
    let headers = request.headers_mut();
    headers.insert(header::HOST, HeaderValue::from_static("shop.example:8080"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static("Mozilla/5.0 (X11; Linux x86_64) bench/1.0"));
    headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    if let Some(traceparent) = traceparent {
        headers.insert("traceparent", HeaderValue::from_static(traceparent));
    }
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([203, 0, 113, 7], 4711))));
    request
}
