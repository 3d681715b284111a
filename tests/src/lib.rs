//! OTLP receivers on loopback, for tests: real servers that decode with `opentelemetry-proto`.

mod grpc;
mod http;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How a receiver answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// As the specification has it.
    Accept,
    /// With an error: the HTTP status, or `UNAVAILABLE` over gRPC.
    Fail(u16),
    /// Never.
    Hang,
    /// With success, but so many spans rejected.
    Reject(i64, String),
    /// Over HTTP, with exactly this status, content type and body.
    Raw(u16, Option<&'static str>, Vec<u8>),
}

/// A running receiver; it ends when dropped.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    received: Arc<Received>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// What arrived, shared between the server and the test.
#[derive(Debug)]
struct Received {
    behaviour: Behaviour,
    requests: Mutex<Vec<ExportTraceServiceRequest>>,
    headers: Mutex<Vec<http_crate::HeaderMap>>,
    arrived: Condvar,
}

use ::http as http_crate;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Received {
    fn add(&self, request: ExportTraceServiceRequest, headers: http_crate::HeaderMap) {
        lock(&self.headers).push(headers);
        lock(&self.requests).push(request);
        self.arrived.notify_all();
    }
}

impl Receiver {
    /// Starts a receiver of OTLP over HTTP with protobuf bodies.
    ///
    /// # Errors
    ///
    /// If no port on loopback can be had.
    pub fn http(behaviour: Behaviour) -> io::Result<Self> {
        Self::start(behaviour, |listener, received| Box::pin(http::serve(listener, received)))
    }

    /// Starts a receiver of OTLP over gRPC.
    ///
    /// # Errors
    ///
    /// If no port on loopback can be had.
    pub fn grpc(behaviour: Behaviour) -> io::Result<Self> {
        Self::start(behaviour, |listener, received| Box::pin(grpc::serve(listener, received)))
    }

    fn start(
        behaviour: Behaviour,
        serve: impl FnOnce(tokio::net::TcpListener, Arc<Received>) -> std::pin::Pin<Box<dyn Future<Output = ()>>>
        + Send
        + 'static,
    ) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let received = Arc::new(Received {
            behaviour,
            requests: Mutex::default(),
            headers: Mutex::default(),
            arrived: Condvar::new(),
        });
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::clone(&received);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::spawn(move || {
            runtime.block_on(async move {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
                tokio::select! {
                    () = serve(listener, shared) => {}
                    _ = stopped => {}
                }
            });
        });
        Ok(Self { address, received, stop: Some(stop), thread: Some(thread) })
    }

    /// The base URL.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests that arrived so far.
    pub fn requests(&self) -> Vec<ExportTraceServiceRequest> {
        lock(&self.received.requests).clone()
    }

    /// The headers or metadata of the requests.
    pub fn headers(&self) -> Vec<http_crate::HeaderMap> {
        lock(&self.received.headers).clone()
    }

    /// The spans of all requests.
    pub fn spans(&self) -> Vec<Span> {
        spans(&self.requests())
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
