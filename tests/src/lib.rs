//! Receivers on loopback, for tests: real servers that decode OTLP with `opentelemetry-proto`, and Zipkin's JSON.

mod grpc;
mod http;
mod tls;

use ::http::HeaderMap;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::trace::v1::Span;
use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tls::Acceptor;
pub use tls::Secure;
use tokio::sync::oneshot;

/// How a receiver answers a request that it could decode. The request is kept in every case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// As the specification has it.
    Accept,
    /// With an error: the HTTP status, or `UNAVAILABLE` over gRPC.
    Fail(u16),
    /// With this gRPC status; over HTTP with 501.
    Status(tonic::Code),
    /// Never.
    Hang,
    /// Not at all: the connection is closed.
    Disconnect,
    /// With success, but so many spans rejected.
    Reject(i64, String),
    /// Over HTTP, with exactly this status, content type and body; over gRPC as [`Accept`](Self::Accept).
    Raw(u16, Option<&'static str>, Vec<u8>),
    /// Over HTTP, with the head of a success, and a body that breaks off; over gRPC as [`Accept`](Self::Accept).
    Truncate,
    /// Over HTTP, with the head of a success, and a body that never ends; over gRPC as [`Accept`](Self::Accept).
    HangInBody,
}

/// What a receiver speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Http,
    Grpc,
}

const ANY_PORT: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));

/// A running receiver; it ends when dropped.
#[derive(Debug)]
pub struct Receiver {
    protocol: Protocol,
    address: SocketAddr,
    secure: Option<Secure>,
    received: Arc<Received>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// What arrived, shared between the server and the test.
#[derive(Debug)]
struct Received {
    /// One for each request; the last one stays.
    script: Mutex<VecDeque<Behaviour>>,
    requests: Mutex<Vec<ExportTraceServiceRequest>>,
    headers: Mutex<Vec<HeaderMap>>,
    /// Requests of Zipkin's API; their headers are among `headers`.
    zipkin_requests: Mutex<Vec<serde_json::Value>>,
    /// The answer to every request with log records; none for a receiver that does not take them.
    logs: Option<Behaviour>,
    log_requests: Mutex<Vec<ExportLogsServiceRequest>>,
    log_headers: Mutex<Vec<HeaderMap>>,
    /// The answer to every request with metrics.
    metrics: Mutex<Behaviour>,
    metric_requests: Mutex<Vec<ExportMetricsServiceRequest>>,
    metric_headers: Mutex<Vec<HeaderMap>>,
    arrived: Condvar,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Received {
    /// Keeps a request, and says how to answer it.
    fn add(&self, request: ExportTraceServiceRequest, headers: HeaderMap) -> Behaviour {
        lock(&self.headers).push(headers);
        lock(&self.requests).push(request);
        self.arrived.notify_all();
        self.next()
    }

    /// Keeps a request of Zipkin's API, and says how to answer it.
    fn add_zipkin(&self, request: serde_json::Value, headers: HeaderMap) -> Behaviour {
        lock(&self.headers).push(headers);
        lock(&self.zipkin_requests).push(request);
        self.next()
    }

    fn next(&self) -> Behaviour {
        let mut script = lock(&self.script);
        let next = if script.len() > 1 { script.pop_front() } else { script.front().cloned() };
        next.unwrap_or(Behaviour::Accept)
    }

    /// Keeps a request with log records, and says how to answer it.
    fn add_logs(&self, request: ExportLogsServiceRequest, headers: HeaderMap) -> Behaviour {
        lock(&self.log_headers).push(headers);
        lock(&self.log_requests).push(request);
        self.logs.clone().unwrap_or(Behaviour::Accept)
    }

    /// Keeps a request with metrics, and says how to answer it.
    fn add_metrics(&self, request: ExportMetricsServiceRequest, headers: HeaderMap) -> Behaviour {
        lock(&self.metric_headers).push(headers);
        lock(&self.metric_requests).push(request);
        self.arrived.notify_all();
        lock(&self.metrics).clone()
    }
}

impl Receiver {
    /// Starts a receiver of OTLP over HTTP with protobuf bodies.
    ///
    /// # Errors
    ///
    /// If no port on loopback can be had.
    pub fn http(behaviour: Behaviour) -> io::Result<Self> {
        Self::http_script([behaviour])
    }

    /// The same, with an own answer for each request; the last one is repeated.
    ///
    /// # Errors
    ///
    /// If no port on loopback can be had.
    pub fn http_script(script: impl IntoIterator<Item = Behaviour>) -> io::Result<Self> {
        Self::start(Protocol::Http, ANY_PORT, script.into_iter().collect(), None, None)
    }

    /// Starts a receiver of OTLP over HTTP that takes log records, too, and answers them with `logs`.
    ///
    /// # Errors
    ///
    /// If no port on loopback can be had.
    pub fn http_with_logs(behaviour: Behaviour, logs: Behaviour) -> io::Result<Self> {
        Self::start(Protocol::Http, ANY_PORT, [behaviour].into(), Some(logs), None)
    }

    /// Starts a receiver of OTLP over gRPC.
    ///
    /// # Errors
    ///
    /// If no port on loopback can be had.
    pub fn grpc(behaviour: Behaviour) -> io::Result<Self> {
        Self::grpc_script([behaviour])
    }

    /// The same, with an own answer for each request; the last one is repeated.
    ///
    /// # Errors
    ///
    /// If no port on loopback can be had.
    pub fn grpc_script(script: impl IntoIterator<Item = Behaviour>) -> io::Result<Self> {
        Self::start(Protocol::Grpc, ANY_PORT, script.into_iter().collect(), None, None)
    }

    /// Starts a receiver of OTLP over gRPC that takes log records, too, and answers them with `logs`.
    ///
    /// # Errors
    ///
    /// If no port on loopback can be had.
    pub fn grpc_with_logs(behaviour: Behaviour, logs: Behaviour) -> io::Result<Self> {
        Self::start(Protocol::Grpc, ANY_PORT, [behaviour].into(), Some(logs), None)
    }

    /// Starts a receiver of OTLP over HTTPS that accepts spans and log records.
    ///
    /// # Errors
    ///
    /// If no port on loopback can be had, or the certificates cannot be used.
    pub fn https(secure: Secure) -> io::Result<Self> {
        Self::start(Protocol::Http, ANY_PORT, [Behaviour::Accept].into(), Some(Behaviour::Accept), Some(secure))
    }

    /// Starts a receiver of OTLP over gRPC with TLS that accepts spans and log records.
    ///
    /// # Errors
    ///
    /// If no port on loopback can be had, or the certificates cannot be used.
    pub fn grpcs(secure: Secure) -> io::Result<Self> {
        Self::start(Protocol::Grpc, ANY_PORT, [Behaviour::Accept].into(), Some(Behaviour::Accept), Some(secure))
    }

    /// Ends this receiver and all its connections, and starts an empty one at the same address.
    ///
    /// # Errors
    ///
    /// If somebody took the port in between.
    pub fn restart(self, behaviour: Behaviour) -> io::Result<Self> {
        let (protocol, address, logs) = (self.protocol, self.address, self.received.logs.clone());
        let secure = self.secure.clone();
        drop(self);
        Self::start(protocol, address, [behaviour].into(), logs, secure)
    }

    fn start(
        protocol: Protocol,
        address: SocketAddr,
        script: VecDeque<Behaviour>,
        logs: Option<Behaviour>,
        secure: Option<Secure>,
    ) -> io::Result<Self> {
        let acceptor = Acceptor::new(secure.as_ref())?;
        let server = grpc::server(secure.as_ref())?;
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let received = Arc::new(Received {
            script: Mutex::new(script),
            requests: Mutex::default(),
            headers: Mutex::default(),
            zipkin_requests: Mutex::default(),
            logs,
            log_requests: Mutex::default(),
            log_headers: Mutex::default(),
            metrics: Mutex::new(Behaviour::Accept),
            metric_requests: Mutex::default(),
            metric_headers: Mutex::default(),
            arrived: Condvar::new(),
        });
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::clone(&received);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::spawn(move || {
            runtime.block_on(async move {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
                let serve = async move {
                    match protocol {
                        Protocol::Http => http::serve(listener, acceptor, shared).await,
                        Protocol::Grpc => grpc::serve(listener, server, shared).await,
                    }
                };
                tokio::select! {
                    () = serve => {}
                    _ = stopped => {}
                }
            });
        });
        Ok(Self { protocol, address, secure, received, stop: Some(stop), thread: Some(thread) })
    }

    /// The base URL.
    pub fn endpoint(&self) -> String {
        let scheme = if self.secure.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The requests that arrived so far.
    pub fn requests(&self) -> Vec<ExportTraceServiceRequest> {
        lock(&self.received.requests).clone()
    }

    /// The headers or metadata of the requests.
    pub fn headers(&self) -> Vec<HeaderMap> {
        lock(&self.received.headers).clone()
    }

    /// The bodies posted to `/api/v2/spans`, which receivers of OTLP over HTTP take, too.
    pub fn zipkin_requests(&self) -> Vec<serde_json::Value> {
        lock(&self.received.zipkin_requests).clone()
    }

    /// The spans of all requests.
    pub fn spans(&self) -> Vec<Span> {
        spans(&self.requests())
    }

    /// The requests with log records that arrived so far.
    pub fn log_requests(&self) -> Vec<ExportLogsServiceRequest> {
        lock(&self.received.log_requests).clone()
    }

    /// The headers or metadata of the requests with log records.
    pub fn log_headers(&self) -> Vec<HeaderMap> {
        lock(&self.received.log_headers).clone()
    }

    /// The log records of all requests.
    pub fn log_records(&self) -> Vec<LogRecord> {
        let requests = self.log_requests();
        let resources = requests.into_iter().flat_map(|request| request.resource_logs);
        resources.flat_map(|resource| resource.scope_logs).flat_map(|scope| scope.log_records).collect()
    }

    /// From now on requests with metrics are answered like this. Without, they are accepted.
    pub fn answer_metrics(&self, behaviour: Behaviour) {
        *lock(&self.received.metrics) = behaviour;
    }

    /// The requests with metrics that arrived so far.
    pub fn metric_requests(&self) -> Vec<ExportMetricsServiceRequest> {
        lock(&self.received.metric_requests).clone()
    }

    /// The headers or metadata of the requests with metrics.
    pub fn metric_headers(&self) -> Vec<HeaderMap> {
        lock(&self.received.metric_headers).clone()
    }

    /// The metrics of all requests.
    pub fn metrics(&self) -> Vec<Metric> {
        let requests = self.metric_requests();
        let resources = requests.into_iter().flat_map(|request| request.resource_metrics);
        resources.flat_map(|resource| resource.scope_metrics).flat_map(|scope| scope.metrics).collect()
    }

    /// Waits until so many requests with metrics have arrived; what has arrived by the deadline is given back anyway.
    pub fn wait_for_metrics(&self, requests: usize, timeout: Duration) -> Vec<ExportMetricsServiceRequest> {
        let deadline = Instant::now() + timeout;
        let mut arrived = lock(&self.received.metric_requests);
        while arrived.len() < requests {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else { break };
            arrived = self.received.arrived.wait_timeout(arrived, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        arrived.clone()
    }

    /// Waits until so many spans have arrived; what has arrived by the deadline is given back anyway.
    pub fn wait_for(&self, count: usize, timeout: Duration) -> Vec<Span> {
        let deadline = Instant::now() + timeout;
        let mut requests = lock(&self.received.requests);
        while spans(&requests).len() < count {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else { break };
            requests = self.received.arrived.wait_timeout(requests, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        spans(&requests)
    }
}

fn spans(requests: &[ExportTraceServiceRequest]) -> Vec<Span> {
    let resources = requests.iter().flat_map(|request| &request.resource_spans);
    resources.flat_map(|resource| &resource.scope_spans).flat_map(|scope| scope.spans.clone()).collect()
}

impl Drop for Receiver {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the server has shown itself in the test's output already.
            let _ = thread.join();
        }
    }
}
