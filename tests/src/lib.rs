//! Receivers on loopback, for tests: real servers that decode OTLP with `opentelemetry-proto`, and Zipkin's JSON.

mod behaviour;
mod connection;
mod grpc;
mod http;
mod ids;
mod received;
mod tls;

use ::http::HeaderMap;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::trace::v1::Span;
use received::{Received, lock};
use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use tls::Acceptor;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::oneshot;

pub use behaviour::{Behaviour, http_date, retry_info};
pub use received::{Arrival, SpanId};
pub use tls::Secure;

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
    /// Has the port while nobody listens there, so that it can be had again: a port of loopback that is free may become the
    /// source of somebody's connection, even of one to itself.
    _keeper: Option<TcpSocket>,
    server: Option<Server>,
}

/// A thread that serves; it ends when dropped.
#[derive(Debug)]
struct Server {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
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
    pub fn restart(mut self, behaviour: Behaviour) -> io::Result<Self> {
        self.stop();
        self.received = Arc::new(Received::new([behaviour].into(), self.received.logs.clone()));
        self.start_again()?;
        Ok(self)
    }

    /// Ends all connections and refuses new ones; the port stays this receiver's.
    pub fn stop(&mut self) {
        self.server = None;
    }

    /// Takes connections again after [`stop`](Self::stop), at the same address and with the same script; what has arrived
    /// is still there.
    ///
    /// # Errors
    ///
    /// If the port cannot be had, or the certificates cannot be used.
    pub fn start_again(&mut self) -> io::Result<()> {
        self.stop();
        let (server, address) = serve(self.protocol, self.address, self.secure.as_ref(), &self.received)?;
        (self.server, self.address) = (Some(server), address);
        Ok(())
    }

    /// Does the same with another certificate.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn renew(&mut self, secure: Secure) -> io::Result<()> {
        self.secure = Some(secure);
        self.start_again()
    }

    fn start(
        protocol: Protocol,
        address: SocketAddr,
        script: VecDeque<Behaviour>,
        logs: Option<Behaviour>,
        secure: Option<Secure>,
    ) -> io::Result<Self> {
        let received = Arc::new(Received::new(script, logs));
        let (server, address) = serve(protocol, address, secure.as_ref(), &received)?;
        let keeper = cfg!(unix).then(|| bound(address)).transpose()?;
        Ok(Self { protocol, address, secure, received, _keeper: keeper, server: Some(server) })
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

/// A socket with this address that does not listen.
fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    #[cfg(unix)]
    {
        socket.set_reuseaddr(true)?;
        socket.set_reuseport(true)?;
    }
    socket.bind(address)?;
    Ok(socket)
}

fn serve(
    protocol: Protocol,
    address: SocketAddr,
    secure: Option<&Secure>,
    received: &Arc<Received>,
) -> io::Result<(Server, SocketAddr)> {
    let acceptor = Acceptor::new(secure)?;
    let server = grpc::server(secure)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener: TcpListener = {
        let _runtime = runtime.enter();
        bound(address)?.listen(1024)?
    };
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel();
    let received = Arc::clone(received);
    let thread = std::thread::spawn(move || {
        runtime.block_on(async move {
            let serve = async move {
                match protocol {
                    Protocol::Http => http::serve(listener, acceptor, received).await,
                    Protocol::Grpc => grpc::serve(listener, server, received).await,
                }
            };
            tokio::select! {
                () = serve => {}
                _ = stopped => {}
            }
        });
    });
    Ok((Server { stop: Some(stop), thread: Some(thread) }, address))
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the server has shown itself in the test's output already.
            let _ = thread.join();
        }
    }
}
