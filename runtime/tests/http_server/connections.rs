//! Real connections: what hyper asks of bodies, and clients that go away.

use axum::Router;
use axum::body::Body;
use axum::routing::get as route;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use otelier::http::ServerLayer;
use otelier::testing::{Capture, SpanTree};
use std::future::pending;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

/// A generous upper bound of what is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug)]
enum Http {
    One,
    Two,
}

/// Serves one connection, runs the client, and gives the spans once there are as many as wanted.
async fn over<F: Future<Output = ()>>(
    app: Router,
    http: Http,
    wanted: usize,
    client: impl FnOnce(TcpStream) -> F,
) -> SpanTree {
    let capture = Capture::start();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(otelier::in_current_context(async move {
        let (stream, peer) = listener.accept().await.unwrap();
        let app = app.layer(axum::Extension(axum::extract::ConnectInfo(peer)));
        let (io, service) = (TokioIo::new(stream), TowerToHyperService::new(app));
        // How the connection ends is the client's business.
        match http {
            Http::One => drop(hyper::server::conn::http1::Builder::new().serve_connection(io, service).await),
            Http::Two => {
                drop(
                    hyper::server::conn::http2::Builder::new(TokioExecutor::new()).serve_connection(io, service).await,
                );
            }
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
    capture.finish()
}

fn app() -> Router {
    let slow = || async { Body::from_stream(Endless) };
    Router::new()
        .route("/", route(|| async { "hello" }))
        .route("/never", route(pending::<()>))
        .route("/endless", route(slow))
        .route("/echo", axum::routing::post(|body: Bytes| async { body }))
        .layer(ServerLayer::new().with_request_bodies())
}

/// Pieces without end, each of which lets others run.
struct Endless;

impl futures_core::Stream for Endless {
    type Item = Result<Bytes, std::convert::Infallible>;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(Some(Ok(Bytes::from_static(&[b'x'; 8192]))))
    }
}

async fn whole(stream: TcpStream, http: Http, request: Request<Full<Bytes>>) -> Bytes {
    let io = TokioIo::new(stream);
    let response = match http {
        Http::One => {
            let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
            tokio::spawn(connection);
            sender.send_request(request).await.unwrap()
        }
        Http::Two => {
            let (mut sender, connection) =
                hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
            tokio::spawn(connection);
            sender.send_request(request).await.unwrap()
        }
    };
    response.into_body().collect().await.unwrap().to_bytes()
}

#[tokio::test]
async fn requests_of_both_versions_end_when_they_are_answered() {
    for (http, version) in [(Http::One, "1.1"), (Http::Two, "2")] {
        let client = |stream| async move {
            let uri = if let Http::Two = http { "http://shop.example/" } else { "/" };
            let request = Request::get(uri).header("host", "shop.example").body(Full::default()).unwrap();
            assert_eq!(whole(stream, http, request).await, "hello");
        };
        let spans = over(app(), http, 1, client).await;
        let span = spans.span("GET /").has("network.protocol.version", version).has("http.response.body.size", 5);
        span.has_no("otelier.cancelled").has("server.address", "shop.example").has("client.address", "127.0.0.1");
        span.has_key("network.peer.port");
    }
}

#[tokio::test]
async fn head_and_bodies_of_requests_end_regularly() {
    let spans = over(app(), Http::One, 1, |stream| async {
        let request = Request::head("/").header("host", "a").body(Full::default()).unwrap();
        assert!(whole(stream, Http::One, request).await.is_empty());
    })
    .await;
    spans.span("HEAD /").has("http.response.status_code", 200).has_no("otelier.cancelled");
    let spans = over(app(), Http::Two, 1, |stream| async {
        let request = Request::post("http://a/echo").body(Full::from("12345")).unwrap();
        assert_eq!(whole(stream, Http::Two, request).await, "12345");
    })
    .await;
    let span = spans.span("POST /echo").has("http.request.body.size", 5).has("http.response.body.size", 5);
    span.has_no("otelier.cancelled");
}

#[tokio::test]
async fn a_client_that_goes_away_before_the_answer_leaves_a_cancelled_span() {
    let spans = over(app(), Http::One, 1, |mut stream| async move {
        stream.write_all(b"GET /never HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    })
    .await;
    let span = spans.span("GET /never").has("otelier.cancelled", true).has_no("http.response.status_code");
    span.has("otelier.http.disconnected", "before_response");
}

#[tokio::test]
async fn a_client_that_goes_away_while_the_body_is_sent_says_where() {
    for http in [Http::One, Http::Two] {
        let spans = over(app(), http, 1, |stream| async move {
            let io = TokioIo::new(stream);
            let request = Request::get("http://a/endless").header("host", "a").body(Empty::<Bytes>::new()).unwrap();
            let mut response = match http {
                Http::One => {
                    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
                    tokio::spawn(connection);
                    sender.send_request(request).await.unwrap()
                }
                Http::Two => {
                    let (mut sender, connection) =
                        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
                    tokio::spawn(connection);
                    sender.send_request(request).await.unwrap()
                }
            };
            response.body_mut().frame().await.unwrap().unwrap();
        })
        .await;
        let span = spans.span("GET /endless").has("otelier.cancelled", true).has("http.response.status_code", 200);
        span.has("otelier.http.disconnected", "response_body").has_key("http.response.body.size");
    }
}
