//! Clients over real connections: what servers do to them, and what becomes of the context.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use otelier::http::ClientLayer;
use otelier::http::reqwest::{SendTraced, TraceMiddleware};
use otelier::testing::{Capture, CapturedSpan, SpanTree, capture_async};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tower::{ServiceBuilder, ServiceExt};

/// Answers every request of every connection with these bytes. `"\u{0}"` at their end resets the connection.
async fn server(answer: &'static str) -> (SocketAddr, Arc<Mutex<(usize, Vec<String>)>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(Mutex::new((0, Vec::new())));
    let told = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            told.lock().unwrap().0 += 1;
            let told = Arc::clone(&told);
            tokio::spawn(async move {
                let mut head = Vec::new();
                let mut bytes = [0; 1024];
                while let Ok(read @ 1..) = stream.read(&mut bytes).await {
                    head.extend_from_slice(&bytes[..read]);
                    if !head.ends_with(b"\r\n\r\n") {
                        continue;
                    }
                    told.lock().unwrap().1.push(String::from_utf8_lossy(&head).into_owned());
                    head.clear();
                    stream.write_all(answer.trim_end_matches('\0').as_bytes()).await.unwrap();
                    if answer.ends_with('\0') {
                        // What was written goes first.
                        tokio::time::sleep(Duration::from_millis(30)).await;
                        stream.set_zero_linger().unwrap();
                        return;
                    }
                }
            });
        }
    });
    (address, seen)
}

fn only(spans: &SpanTree) -> CapturedSpan<'_> {
    assert_eq!(spans.len(), 1, "{}", spans.text());
    spans.iter().next().unwrap()
}

fn is_clean() -> bool {
    !otelier::current_span().is_recording() && !otelier::current_span().span_context().is_valid()
}

const HELLO: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

#[tokio::test]
async fn a_connection_that_is_used_again_mixes_no_traces() {
    let (address, seen) = server(HELLO).await;
    let client =
        ServiceBuilder::new().layer(ClientLayer::new()).service(Client::builder(TokioExecutor::new()).build_http());
    let capture = Capture::start();
    for number in 0..3 {
        let work = async {
            let request = Request::get(format!("http://{address}/")).body(Full::<Bytes>::default()).unwrap();
            let answer = client.clone().oneshot(request).await.unwrap();
            assert!(!otelier::current_span().span_context().is_valid() || otelier::current_span().is_recording());
            answer.into_body().collect().await.unwrap();
        };
        otelier::InSpan::in_span(work, ["a", "b", "c"][number]).await;
        assert!(is_clean());
    }
    let spans = capture.finish();
    let (connections, heads) = seen.lock().unwrap().clone();
    assert_eq!((connections, heads.len()), (1, 3));
    for (number, head) in heads.iter().enumerate() {
        let span = spans.span(["a", "b", "c"][number]).child("GET").has_no("otelier.cancelled");
        let context = span.span_context();
        assert!(head.contains(&format!("00-{}-{}-0", context.trace_id(), context.span_id())), "{head}");
        assert_eq!(head.matches("traceparent").count(), 1);
    }
}

#[tokio::test]
async fn a_connection_that_is_reset_has_a_class_in_every_stage() {
    for (answer, status) in [
        ("\0", None),
        ("HTTP/1.1 200 OK\r\n\0", None),
        ("HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhello\0", Some(200)),
    ] {
        let (address, _) = server(answer).await;
        let spans = capture_async(async {
            reqwest::Client::new().get(format!("http://{address}/?token=5ecret")).send_traced().await?.text().await
        })
        .await;
        assert!(spans.value.is_err());
        let span = only(&spans).is_error();
        let class = span.attribute("error.type").map(ToString::to_string).unwrap_or_default();
        assert!(["connection_reset", "connection_closed"].contains(&class.as_str()), "{answer:?}: {class}");
        if let Some(status) = status {
            span.has("http.response.status_code", status);
        }
        span.has_no("otelier.cancelled").has_no("http.response.body.size");
        assert!(!format!("{:?}", span.data()).contains("5ecret"));
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_in_time_is_a_timeout() {
    let (address, _) = server("HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhello").await;
    // The time is that of the head, too, for which a busy machine needs more of it.
    for timeout in [80, 800, 8000, 80_000] {
        let request = reqwest::Client::new().get(format!("http://{address}/")).timeout(Duration::from_millis(timeout));
        let spans = capture_async(async { request.send_traced().await?.text().await }).await;
        assert!(spans.value.is_err());
        let span = only(&spans).failed_with("timeout").has_no("otelier.cancelled");
        if span.attribute("http.response.status_code").is_some() {
            span.has("http.response.status_code", 200);
            return;
        }
    }
    panic!("the head never came in time");
}

#[tokio::test]
async fn answers_without_bodies_and_interim_answers_end_regularly() {
    for (method, answer, status, size) in [
        ("HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n", 200, 0),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n", 204, 0),
        ("GET", "HTTP/1.1 304 Not Modified\r\ncontent-length: 50\r\n\r\n", 304, 0),
        (
            "GET",
            "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
            200,
            5,
        ),
        (
            "GET",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x\r\n\r\n5\r\nhello\r\n0\r\nx: y\r\n\r\n",
            200,
            5,
        ),
    ] {
        let (address, _) = server(answer).await;
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = reqwest::Client::new().request(method.clone(), format!("http://{address}/"));
        let spans = capture_async(async { request.send_traced().await?.bytes().await }).await;
        assert_eq!(spans.value.as_ref().unwrap().len(), size);
        let span = only(&spans).is_ok().has("http.response.status_code", status).has("http.response.body.size", size);
        assert_eq!(span.has_no("otelier.cancelled").name(), method.as_str());
    }
}

/// A middleware that makes an error of its own from one of reqwest.
struct Wraps;

#[async_trait::async_trait]
impl reqwest_middleware::Middleware for Wraps {
    async fn handle(
        &self,
        request: reqwest::Request,
        extensions: &mut http::Extensions,
        next: reqwest_middleware::Next<'_>,
    ) -> reqwest_middleware::Result<reqwest::Response> {
        #[derive(Debug)]
        struct Outer(reqwest::Error);
        impl std::fmt::Display for Outer {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("refused")
            }
        }
        impl std::error::Error for Outer {
            fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
                Some(&self.0)
            }
        }
        let answer = next.run(request, extensions).await?;
        answer.error_for_status().map_err(|error| reqwest_middleware::Error::middleware(Outer(error)))
    }
}

#[tokio::test]
async fn the_url_in_an_error_that_another_middleware_made_is_not_shown() {
    let (address, _) = server("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await;
    let client =
        reqwest_middleware::ClientBuilder::new(reqwest::Client::new()).with(TraceMiddleware::new()).with(Wraps).build();
    let spans =
        capture_async(async { client.get(format!("http://{address}/?listenKey=5ecret&x=5ecrets")).send().await }).await;
    assert!(spans.value.is_err());
    let span = only(&spans).is_error();
    assert!(!format!("{:?}", span.status()).contains("5ecret"), "{}", spans.text());
}

/// A client whose answer takes one poll more.
fn slow() -> impl tower::Service<
    Request<Full<Bytes>>,
    Response = Response<otelier::http::TracedBody<Full<Bytes>>>,
    Error = Infallible,
    Future: Send + 'static,
> {
    ServiceBuilder::new().layer(ClientLayer::new()).service(tower::service_fn(|_: Request<Full<Bytes>>| async {
        tokio::task::yield_now().await;
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("hello")))
    }))
}

#[test]
fn calls_go_from_thread_to_thread_and_leave_nothing_there() {
    fn elsewhere<T: Send>(f: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| {
            let run = || {
                let result = f();
                assert!(is_clean(), "a context stays on the thread");
                result
            };
            scope.spawn(run).join().unwrap()
        })
    }
    fn poll<F: Future + ?Sized>(future: std::pin::Pin<&mut F>) -> std::task::Poll<F::Output> {
        future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
    }
    use tower::Service;
    for step in 0..5 {
        let capture = Capture::start();
        let request = Request::get("http://example.org/").body(Full::default()).unwrap();
        let mut future = Box::pin(slow().call(request));
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
                let std::task::Poll::Ready(Ok(response)) = elsewhere(move || poll(future.as_mut())) else {
                    panic!("it is ready")
                };
                let mut body = response.into_body();
                match step {
                    2 => elsewhere(move || drop(body)),
                    3 => elsewhere(move || assert!(poll(std::pin::pin!(body.frame())).is_ready())),
                    _ => std::mem::forget(body),
                }
            }
        }
        assert!(is_clean());
        otelier::in_span("after", |_| {});
        let spans = capture.finish();
        assert_eq!(spans.roots().count(), spans.len(), "step {step}: {spans}");
        let calls: Vec<_> = spans.named("GET").collect();
        assert_eq!(calls.len(), usize::from(step < 4), "step {step}: {spans}");
        for call in calls {
            assert_eq!(call.attribute("otelier.cancelled").is_some(), step < 3, "step {step}: {spans}");
        }
    }
}
