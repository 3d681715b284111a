//! A service for the validation suite of W3C Trace Context: it is asked to call back, and does so in the trace that it was
//! asked in. It reads and writes headers by hand, with a span for what comes in and one for each call.

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use otelier::propagation::{extract, inject};
use otelier::schema::Kind;
use serde_json::Value;
use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener as Listener};
use std::thread::{self, JoinHandle};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A service that runs until this is dropped.
pub(super) struct Service {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Service {
    pub(super) fn start() -> Self {
        let listener = Listener::bind("127.0.0.1:0").expect("loopback has a free port");
        listener.set_nonblocking(true).expect("a listener of ours");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).expect("a listener of ours");
                tokio::select! {
                    () = accept(&listener) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address, stop: Some(stop), thread: Some(thread) }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/test", self.address)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(listener: &TcpListener) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        tokio::spawn(async move {
            let service = service_fn(|request| async { Ok::<_, Infallible>(answer(request).await) });
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(request: Request<Incoming>) -> Response<Full<Bytes>> {
    let parent = extract(request.headers());
    let span = otelier::Span::builder("POST /test").kind(Kind::Server).parent(&parent).start();
    let result = call_back(request, &span).await;
    span.outcome(&result);
    let mut response = Response::new(Full::from(result.as_ref().map_or_else(ToString::to_string, |()| "null".into())));
    if result.is_err() {
        *response.status_mut() = StatusCode::BAD_GATEWAY;
    }
    response
}

/// The body is a list of `{"url": .., "arguments": ..}`: each is called with its arguments.
async fn call_back(request: Request<Incoming>, span: &otelier::Span) -> Result<(), Failure> {
    let body = request.into_body().collect().await?.to_bytes();
    let calls: Value = serde_json::from_slice(&body)?;
    for call in calls.as_array().ok_or("the body is not a list")? {
        let client = otelier::Span::builder("POST").kind(Kind::Client).parent(span.context()).start();
        let url = call["url"].as_str().ok_or("there is no URL")?;
        let result = post(url, call["arguments"].to_string(), &client).await;
        client.outcome(&result);
        result?;
    }
    Ok(())
}

async fn post(url: &str, body: String, span: &otelier::Span) -> Result<(), Failure> {
    let url: hyper::Uri = url.parse()?;
    let host = url.authority().ok_or("the URL names no host")?.as_str();
    let stream = TcpStream::connect(host).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let mut request = Request::builder().method(Method::POST).uri(url.path()).header("host", host);
    if let Some(headers) = request.headers_mut() {
        inject(span.context(), headers);
    }
    let request = request.header("content-type", "application/json").body(Full::new(Bytes::from(body)))?;
    let answer = sender.send_request(request).await?;
    answer.into_body().collect().await?;
    Ok(())
}
