//! Health over HTTP: real servers on the loopback interface, a real client, and JSON read back.

use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use otelier::health::{self, HealthHandle, HealthService};
use otelier::prelude::*;
use otelier::{Guard, Pipeline};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

const PATIENCE: Duration = Duration::from_secs(60);

/// One pipeline runs at a time.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

#[trace]
fn leaf() {}

#[derive(Clone, Debug, Default)]
struct Receiver(Arc<AtomicBool>);

impl SpanExporter for Receiver {
    async fn export(&self, _batch: Vec<SpanData>) -> OTelSdkResult {
        if self.0.load(Ordering::Relaxed) {
            let text = "\"quoted\" \\ \u{1b}[31m\nat http://me:secret@host".to_owned();
            return Err(OTelSdkError::InternalFailure(text));
        }
        Ok(())
    }
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

async fn serve_by_axum(handle: HealthHandle) -> SocketAddr {
    let (listener, address) = listen().await;
    let app = axum::Router::new().route("/own", axum::routing::get(|| async { "own" })).merge(health::router(handle));
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

async fn serve_by_hyper(handle: HealthHandle) -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = HealthService::new(handle.clone());
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

struct Answer {
    status: u16,
    headers: http::HeaderMap,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        assert_eq!(self.headers["content-type"], "application/json");
        assert_eq!(self.headers["cache-control"], "no-store");
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

async fn ask(address: SocketAddr, method: Method, path: &str) -> Answer {
    let stream = TcpStream::connect(address).await.expect("the server listens");
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("it speaks HTTP");
    tokio::spawn(connection);
    let request = Request::builder().method(method).uri(path).header("host", "localhost");
    let request = request.body(Empty::<Bytes>::new()).expect("a request");
    let (head, body) = sender.send_request(request).await.expect("an answer").into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    let body = String::from_utf8(body.to_vec()).expect("text");
    Answer { status: head.status.as_u16(), headers: head.headers, body }
}

async fn get(address: SocketAddr, path: &str) -> (u16, Value) {
    let answer = ask(address, Method::GET, path).await;
    (answer.status, answer.json())
}

fn export(telemetry: &Guard) {
    leaf();
    telemetry.force_flush(PATIENCE).expect("in time");
}

async fn walk(address: SocketAddr, telemetry: Guard, receiver: &Receiver) {
    export(&telemetry);
    let (status, json) = get(address, "/health").await;
    assert_eq!((status, &json["status"], &json["exporters"][0]["name"]), (200, &"ok".into(), &"Receiver".into()));
    assert_eq!(json["exporters"][0]["success_rate"], 1.0);
    assert!(json["exporters"][0]["last_success"].as_str().is_some_and(|at| at.ends_with('Z')), "{json}");
    assert_eq!(json["pipeline"]["dropped"]["queue_full"], 0);
    assert_eq!(json["queue"]["capacity"], 1 << 20);
    assert_eq!(json["sampler"], "parent_based(root: always_on)");
    assert!(
        json["instrumentation"]["propagated"].as_array().is_some_and(|fields| fields.contains(&"traceparent".into()))
    );

    receiver.0.store(true, Ordering::Relaxed);
    export(&telemetry);
    let (status, json) = get(address, "/health").await;
    assert_eq!((status, &json["status"]), (200, &"degraded".into()));
    let error = json["exporters"][0]["last_error"]["message"].as_str().expect("there was one");
    assert!(error.contains("\"quoted\" \\") && !error.contains("secret"), "{error}");
    export(&telemetry);
    export(&telemetry);
    let (status, json) = get(address, "/health").await;
    assert_eq!((status, &json["status"], &json["exporters"][0]["status"]), (503, &"failing".into(), &"failing".into()));
    for path in ["/livez", "/readyz"] {
        assert_eq!(get(address, path).await, (200, serde_json::json!({"status": "ok"})), "an outage fails no {path}");
    }

    receiver.0.store(false, Ordering::Relaxed);
    export(&telemetry);
    assert_eq!(get(address, "/health").await.0, 200);

    telemetry.shutdown().expect("in time");
    let (status, json) = get(address, "/health").await;
    assert_eq!((status, &json["status"], &json["pipeline"]["started"]), (503, &"stopped".into(), &5.into()));
    assert_eq!(get(address, "/readyz").await, (503, serde_json::json!({"status": "stopped"})));
    assert_eq!(get(address, "/livez").await, (200, serde_json::json!({"status": "ok"})));
}

async fn methods_and_paths(address: SocketAddr) {
    for path in ["/health", "/livez", "/readyz"] {
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
            let answer = ask(address, method, path).await;
            assert_eq!((answer.status, &answer.headers["allow"]), (405, &"GET, HEAD".parse().expect("a value")));
            assert!(answer.json()["error"].is_string());
        }
        let answer = ask(address, Method::HEAD, path).await;
        assert_eq!((answer.status, &*answer.body), (200, ""));
        assert_eq!(answer.headers["content-type"], "application/json");
    }
    assert_eq!(get(address, "/livez?verbose=1").await.0, 200);
    assert_eq!(ask(address, Method::GET, "/health/").await.status, StatusCode::NOT_FOUND);
    assert_eq!(ask(address, Method::GET, "/").await.status, StatusCode::NOT_FOUND);
}

fn run(test: impl Future<Output = ()>) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async { tokio::time::timeout(4 * PATIENCE, test).await.expect("in time") });
}

fn start(receiver: &Receiver) -> Guard {
    Pipeline::new(Telemetry::default()).with_span_exporter(receiver.clone()).start().expect("it starts")
}

#[test]
fn an_axum_server_answers_through_an_outage_and_the_end() {
    let _turn = turn();
    let receiver = Receiver::default();
    let telemetry = start(&receiver);
    run(async {
        let address = serve_by_axum(telemetry.health_handle()).await;
        methods_and_paths(address).await;
        assert_eq!(ask(address, Method::GET, "/own").await.body, "own");
        walk(address, telemetry, &receiver).await;
    });
}

#[test]
fn a_hyper_server_answers_through_an_outage_and_the_end() {
    let _turn = turn();
    let receiver = Receiver::default();
    let telemetry = start(&receiver);
    run(async {
        let address = serve_by_hyper(telemetry.health_handle()).await;
        methods_and_paths(address).await;
        assert_eq!(get(address, "/nothing").await.0, 404);
        walk(address, telemetry, &receiver).await;
    });
}
