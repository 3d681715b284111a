//! What the tests share.

use axum::Router;
use axum::body::Body;
use http::{Request, Response};
use http_body_util::BodyExt;
use otelier::testing::{Captured, SpanTree, capture_async};
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use tower::ServiceExt;
use tower_service::Service;

pub(crate) const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
pub(crate) const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Runs a future to its end.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}

/// The spans of a future.
pub(crate) fn captured<F: Future>(future: F) -> Captured<F::Output> {
    block_on(capture_async(future))
}

pub(crate) fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

/// The answer with its body, read to the end.
pub(crate) async fn answer<S, B>(service: S, request: Request<Body>) -> Response<String>
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible>,
    B: http_body::Body<Error: std::fmt::Debug>,
{
    let (head, body) = service.oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Response::from_parts(head, String::from_utf8(body.to_vec()).unwrap())
}

/// The spans of one request that is answered.
pub(crate) fn spans(app: Router, request: Request<Body>) -> SpanTree {
    captured(answer(app, request)).spans
}

/// Polls a future that is not ready.
pub(crate) async fn waits<F: Future>(mut future: Pin<&mut F>) {
    poll_fn(|task| {
        assert!(future.as_mut().poll(task).is_pending());
        Poll::Ready(())
    })
    .await;
}
