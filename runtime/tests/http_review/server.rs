//! Servers: what clients do to connections, and what handlers do to answers.

use axum::Router;
use axum::body::Body;
use axum::routing::{any, get as route};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use otelier::http::ServerLayer;
use otelier::testing::{Capture, SpanTree, capture_async};
use std::convert::Infallible;
use std::future::{Future, pending, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::{Service, ServiceExt, service_fn};
use tower_layer::Layer;

/// A generous upper bound of what is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Serves one connection of either version, runs the client, and gives the spans once there are as many as wanted.
async fn over<F: Future<Output = ()>>(
    app: Router,
    two: bool,
    wanted: usize,
    client: impl FnOnce(TcpStream) -> F,
) -> SpanTree {
    let capture = Capture::start();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(otelier::in_current_context(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let (io, service) = (TokioIo::new(stream), TowerToHyperService::new(app));
        // How the connection ends is the client's business.
        if two {
            drop(hyper::server::conn::http2::Builder::new(TokioExecutor::new()).serve_connection(io, service).await);
        } else {
            drop(hyper::server::conn::http1::Builder::new().serve_connection(io, service).with_upgrades().await);
        }
    }));
    client(TcpStream::connect(address).await.unwrap()).await;
    tokio::time::timeout(PATIENCE, async {
        while capture.spans().len() < wanted {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await
    .unwrap();
    server.abort();
    let spans = capture.finish();
    assert_eq!(spans.len(), wanted, "{spans}");
    spans
}

/// Sends these bytes, and reads until what comes ends in the text, or there is no more.
async fn raw(mut stream: TcpStream, request: &str, until: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut all = Vec::new();
    let read = async {
        let mut bytes = [0; 1024];
        while !String::from_utf8_lossy(&all).ends_with(until) {
            match stream.read(&mut bytes).await {
                Ok(read @ 1..) => all.extend_from_slice(&bytes[..read]),
                _ => break,
            }
        }
    };
    tokio::time::timeout(PATIENCE, read).await.unwrap();
    String::from_utf8_lossy(&all).into_owned()
}

/// A body of these pieces that says nothing of its length.
struct Pieces(Vec<&'static str>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = (!self.0.is_empty()).then(|| self.0.remove(0));
        match next {
            Some("panic") => panic!("no more"),
            next => Poll::Ready(next.map(|piece| Ok(Frame::data(Bytes::from_static(piece.as_bytes()))))),
        }
    }
}

fn app() -> Router {
    let answer = |status: u16, length: Option<&'static str>| {
        move || async move {
            let mut response = Response::new(Body::new(Pieces(vec!["he", "llo"])));
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            if let Some(length) = length {
                response.headers_mut().insert("content-length", HeaderValue::from_static(length));
            }
            response
        }
    };
    let upgrade = || async {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        response.headers_mut().insert("upgrade", HeaderValue::from_static("echo"));
        response.headers_mut().insert("connection", HeaderValue::from_static("upgrade"));
        response
    };
    Router::new()
        .route("/ok", any(answer(200, None)))
        .route("/exact", route(answer(200, Some("5"))))
        .route("/short", route(answer(200, Some("50"))))
        .route("/long", route(answer(200, Some("3"))))
        .route("/204", route(answer(204, None)))
        .route("/304", route(answer(304, Some("5"))))
        .route("/upgrade", route(upgrade))
        .route("/never", route(pending::<()>))
        .layer(ServerLayer::new())
}

#[tokio::test]
async fn every_kind_of_answer_ends_its_span_once() {
    for (request, size) in [
        ("GET /ok", Some(5)),
        ("HEAD /ok", None),
        ("GET /exact", Some(5)),
        ("HEAD /exact", None),
        ("GET /204", None),
        ("GET /304", None),
    ] {
        let spans = over(app(), false, 1, |stream| async move {
            raw(stream, &format!("{request} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"), "…").await;
        })
        .await;
        let span = spans.span(request);
        match size {
            Some(size) => span.has("http.response.body.size", size),
            None => span.has_no("http.response.body.size"),
        };
        span.has_no("otelier.cancelled");
    }
    // What the handler says of its length is not so: hyper gives up, or the client gets less than it was told.
    for request in ["GET /short", "GET /long"] {
        let spans = over(app(), false, 1, |stream| async move {
            raw(stream, &format!("{request} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"), "…").await;
        })
        .await;
        spans.span(request).has("http.response.status_code", 200);
    }
    let spans = over(app(), false, 1, |stream| async move {
        let request = "GET /upgrade HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";
        assert!(raw(stream, request, "\r\n\r\n").await.starts_with("HTTP/1.1 101"));
    })
    .await;
    spans.span("GET /upgrade").has("http.response.status_code", 101).has_no("otelier.cancelled");
}

#[tokio::test]
async fn a_stream_of_http_2_that_is_reset_is_cancelled_and_the_others_are_not() {
    let spans = over(app(), true, 3, |stream| async move {
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let (sender, connection) = handshake.await.unwrap();
        tokio::spawn(connection);
        let get = |path: &str| Request::get(format!("http://a{path}")).body(Empty::<Bytes>::new()).unwrap();
        let mut reset = Box::pin({
            let mut sender = sender.clone();
            let request = get("/never");
            async move { sender.send_request(request).await.map(drop) }
        });
        for _ in 0..2 {
            tokio::select! {
                biased;
                _ = &mut reset => panic!("it is never answered"),
                answer = { let mut sender = sender.clone(); let request = get("/ok"); async move { sender.send_request(request).await } } => {
                    assert_eq!(answer.unwrap().into_body().collect().await.unwrap().to_bytes(), "hello");
                }
            }
        }
        drop(reset);
        // The connection stays.
        tokio::time::sleep(Duration::from_millis(50)).await;
    })
    .await;
    assert_eq!(spans.named("GET /ok").filter(|span| span.attribute("otelier.cancelled").is_none()).count(), 2);
    spans.span("GET /never").has("otelier.http.disconnected", "before_response").has_no("error.type");
}

#[tokio::test]
async fn who_asks_is_not_in_a_span_however_it_is_said() {
    for head in [
        "GET http://user:5ecret@a.example/ok?X-Amz-Signature=5ecret;token=5ecret HTTP/1.1\r\nhost: user:5ecret@a.example",
        "GET /ok?signature=5ecret&pass%77ord=5ecret HTTP/1.1\r\nhost: 5ecret@a.example\r\nauthorization: Bearer 5ecret\r\ncookie: a=5ecret",
        "GET /ok HTTP/1.1\r\nhost: a\r\nx-forwarded-host: 5ecret@b\r\nforwarded: host=\"5ecret@b\"",
    ] {
        let spans = over(app(), false, 1, |stream| async move {
            raw(stream, &format!("{head}\r\nconnection: close\r\n\r\n"), "…").await;
        })
        .await;
        assert!(!format!("{:?}", spans.span("GET /ok").data()).contains("5ecret"), "{head}: {spans}");
    }
}

#[tokio::test]
async fn hosts_and_paths_of_strangers_do_no_harm() {
    for (host, shown) in [
        ("a.example:99999", None),
        ("[::1", None),
        ("[::1]:80", Some("::1")),
        ("a b", None),
        ("\u{e4}", None),
        ("'><script>", None),
        ("%00", Some("%00")),
        (":80", None),
    ] {
        let spans = over(app(), false, 1, |stream| async move {
            raw(stream, &format!("GET /ok HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"), "…").await;
        })
        .await;
        let found = spans.span("GET /ok").attribute("server.address").map(ToString::to_string);
        assert_eq!(found.as_deref(), shown, "{host}");
    }
}

fn is_clean() -> bool {
    !otelier::current_span().is_recording() && !otelier::current_span().span_context().is_valid()
}

/// A service whose answer takes one poll more, and whose body has two pieces.
fn slow() -> impl Service<
    Request<Body>,
    Response = Response<otelier::http::server::ResponseBody<Pieces>>,
    Error = Infallible,
    Future: Send + 'static,
> {
    ServerLayer::new().layer(service_fn(|_: Request<Body>| async {
        tokio::task::yield_now().await;
        Ok::<_, Infallible>(Response::new(Pieces(vec!["a", "b"])))
    }))
}

fn elsewhere<T: Send>(f: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let result = f();
            assert!(is_clean(), "a context stays on the thread");
            result
        });
        thread.join().unwrap()
    })
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(std::task::Waker::noop()))
}

#[test]
fn requests_and_bodies_go_from_thread_to_thread_and_leave_nothing_there() {
    // Dropped before the first poll, between two polls, with an answer whose body is whole, begun, or drained.
    for step in 0..5 {
        let capture = Capture::start();
        let mut future = Box::pin(slow().call(Request::new(Body::empty())));
        assert!(is_clean());
        if step == 0 {
            elsewhere(move || drop(future));
        } else {
            future = elsewhere(move || {
                assert!(poll(future.as_mut()).is_pending());
                future
            });
            if step == 1 {
                elsewhere(move || drop(future));
            } else {
                let mut body = elsewhere(move || match poll(future.as_mut()) {
                    Poll::Ready(Ok(response)) => response.into_body(),
                    _ => panic!("it is ready"),
                });
                for _ in 0..(step - 2) * 2 {
                    body = elsewhere(move || {
                        let mut frame = std::pin::pin!(body.frame());
                        let _ = poll(frame.as_mut());
                        body
                    });
                }
                if step == 4 {
                    let spans = capture.spans();
                    assert_eq!(spans.len(), 1, "drained, it is over before it is dropped");
                }
                elsewhere(move || drop(body));
            }
        }
        assert!(is_clean());
        let spans = capture.finish();
        assert_eq!(spans.len(), 1, "step {step}: {spans}");
        assert_eq!(spans.span("GET").attribute("otelier.cancelled").is_some(), step < 4, "step {step}: {spans}");
    }
}

#[test]
fn what_is_forgotten_leaves_no_context_behind() {
    let capture = Capture::start();
    let mut future = Box::pin(slow().call(Request::new(Body::empty())));
    assert!(poll(future.as_mut()).is_pending());
    let Poll::Ready(Ok(response)) = poll(future.as_mut()) else { panic!("it is ready") };
    std::mem::forget(response);
    let mut future = Box::pin(slow().call(Request::new(Body::empty())));
    assert!(poll(future.as_mut()).is_pending());
    std::mem::forget(future);
    assert!(is_clean());
    otelier::in_span("after", |_| {});
    let spans = capture.finish();
    spans.span("after");
    assert_eq!(spans.roots().count(), spans.len(), "{spans}");
}

#[tokio::test]
async fn a_panic_of_a_body_fails_the_span_once_and_leaves_no_context() {
    let app = ServerLayer::new()
        .layer(service_fn(|_: Request<Body>| async { Ok::<_, Infallible>(Response::new(Pieces(vec!["a", "panic"]))) }));
    let seen = capture_async(async {
        let mut body = app.oneshot(Request::new(Body::empty())).await.unwrap().into_body();
        body.frame().await.unwrap().unwrap();
        let panicked = poll_fn(|task| {
            Poll::Ready(
                std::panic::catch_unwind(AssertUnwindSafe(|| Pin::new(&mut body).poll_frame(task).is_ready())).is_err(),
            )
        });
        assert!(panicked.await);
        let within = otelier::current_span().is_recording();
        drop(body);
        within
    })
    .await;
    assert!(!seen.value);
    assert_eq!(seen.spans.len(), 1);
    seen.spans.span("GET").is_error().has_no("otelier.cancelled");
}

#[tokio::test]
async fn functions_of_the_user_that_panic_leave_nothing_open() {
    let layers = [
        ServerLayer::new().with_route(|_| panic!("route")),
        ServerLayer::new().with_peer(|_| panic!("peer")),
        ServerLayer::new().with_filter(|_| panic!("filter")),
    ];
    for layer in layers {
        let seen = capture_async(async {
            let mut app =
                layer.layer(service_fn(|_: Request<Body>| async { Ok::<_, Infallible>(Response::new(Body::empty())) }));
            assert!(
                std::panic::catch_unwind(AssertUnwindSafe(|| drop(app.call(Request::new(Body::empty()))))).is_err()
            );
            otelier::in_span("after", |_| {});
        })
        .await;
        assert_eq!(seen.spans.len(), 1, "{}", seen.spans);
        seen.spans.span("after");
    }
}
