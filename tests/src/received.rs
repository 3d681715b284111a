//! What arrived, shared between the server and the test.

use crate::behaviour::Behaviour;
use crate::connection::Wire;
use http::HeaderMap;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// The id of a span.
pub type SpanId = [u8; 8];

/// A request with spans.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// When it had been read.
    pub at: Instant,
    /// The number of its connection; the first one is 0.
    pub connection: u64,
    /// Its spans, in order.
    pub spans: Vec<SpanId>,
    /// How it is answered.
    pub answer: Behaviour,
    /// Whether a success was the answer. One that takes time is none before that.
    pub accepted: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) arrivals: Vec<Arrival>,
    /// How often each span was in a request that was accepted.
    pub(crate) accepted: HashMap<SpanId, u32>,
    /// How many connections were made.
    pub(crate) connections: u64,
}

#[derive(Debug)]
pub(crate) struct Received {
    /// One for each request; the last one stays.
    pub(crate) script: Mutex<VecDeque<Behaviour>>,
    pub(crate) record: Mutex<Record>,
    pub(crate) recorded: Condvar,
    /// Whether requests and headers are kept, not only the ids of spans.
    pub(crate) keeps: AtomicBool,
    pub(crate) requests: Mutex<Vec<ExportTraceServiceRequest>>,
    pub(crate) headers: Mutex<Vec<HeaderMap>>,
    /// Requests of Zipkin's API; their headers are among `headers`.
    pub(crate) zipkin_requests: Mutex<Vec<serde_json::Value>>,
    /// The answer to every request with log records; none for a receiver that does not take them.
    pub(crate) logs: Option<Behaviour>,
    pub(crate) log_requests: Mutex<Vec<ExportLogsServiceRequest>>,
    pub(crate) log_headers: Mutex<Vec<HeaderMap>>,
    /// The answer to every request with metrics.
    pub(crate) metrics: Mutex<Behaviour>,
    pub(crate) metric_requests: Mutex<Vec<ExportMetricsServiceRequest>>,
    pub(crate) metric_headers: Mutex<Vec<HeaderMap>>,
    pub(crate) arrived: Condvar,
    numbers: AtomicU64,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How a request came.
#[derive(Debug)]
pub(crate) struct Envelope<'a> {
    pub(crate) headers: HeaderMap,
    pub(crate) wire: &'a Wire,
}

impl Envelope<'_> {
    fn is(&self, name: &str, value: &str) -> bool {
        self.headers.get(name).is_some_and(|header| header.as_bytes() == value.as_bytes())
    }

    fn is_json(&self) -> bool {
        self.is("content-type", "application/json")
    }

    fn is_compressed(&self) -> bool {
        self.headers.contains_key("content-encoding")
            || self.headers.get("grpc-encoding").is_some_and(|encoding| encoding.as_bytes() != b"identity")
    }
}

impl Received {
    pub(crate) fn new(script: VecDeque<Behaviour>, logs: Option<Behaviour>) -> Self {
        Self {
            script: Mutex::new(script),
            record: Mutex::default(),
            recorded: Condvar::new(),
            keeps: AtomicBool::new(true),
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
            numbers: AtomicU64::new(0),
        }
    }

    /// The wire of a connection that was made, and whether it is to be reset unread.
    pub(crate) fn connect(&self) -> (std::sync::Arc<Wire>, bool) {
        let number = {
            let mut record = lock(&self.record);
            record.connections += 1;
            record.connections - 1
        };
        let unread = {
            let mut script = lock(&self.script);
            let unread = script.front() == Some(&Behaviour::ResetUnread);
            if unread && script.len() > 1 {
                script.pop_front();
            }
            unread
        };
        (Wire::new(number), unread)
    }

    /// Keeps a request, and says how to answer it.
    pub(crate) async fn add(&self, request: ExportTraceServiceRequest, envelope: Envelope<'_>) -> Behaviour {
        let resources = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
        let spans = resources.flat_map(|scope| &scope.spans);
        let ids = spans.map(|span| SpanId::try_from(&*span.span_id).unwrap_or_default()).collect();
        if self.keeps.load(Relaxed) {
            lock(&self.headers).push(envelope.headers.clone());
            lock(&self.requests).push(request);
        }
        self.arrived.notify_all();
        self.answer(ids, &envelope).await
    }

    /// Keeps a request of Zipkin's API, and says how to answer it.
    pub(crate) async fn add_zipkin(&self, request: serde_json::Value, envelope: Envelope<'_>) -> Behaviour {
        let id = |span: &serde_json::Value| {
            let id = span.get("id").and_then(|id| u64::from_str_radix(id.as_str()?, 16).ok());
            id.unwrap_or_default().to_be_bytes()
        };
        let ids = request.as_array().map(|spans| spans.iter().map(id).collect()).unwrap_or_default();
        if self.keeps.load(Relaxed) {
            lock(&self.headers).push(envelope.headers.clone());
            lock(&self.zipkin_requests).push(request);
        }
        self.answer(ids, &envelope).await
    }

    fn next(&self) -> Behaviour {
        let mut script = lock(&self.script);
        let next = if script.len() > 1 { script.pop_front() } else { script.front().cloned() };
        next.unwrap_or(Behaviour::Accept).drawn(self.numbers.fetch_add(1, Relaxed))
    }

    /// Notes a request with these spans, and waits until it is to be answered.
    async fn answer(&self, spans: Vec<SpanId>, envelope: &Envelope<'_>) -> Behaviour {
        let answer = self.next();
        let success = answer.is_success(envelope.is_json(), envelope.is_compressed());
        let number = {
            let arrival = Arrival {
                at: Instant::now(),
                connection: envelope.wire.number,
                spans,
                answer: answer.clone(),
                accepted: false,
            };
            let mut record = lock(&self.record);
            record.arrivals.push(arrival);
            record.arrivals.len() - 1
        };
        self.recorded.notify_all();
        let behaviour = prepared(answer, envelope).await;
        if success {
            let mut record = lock(&self.record);
            let Record { arrivals, accepted, .. } = &mut *record;
            if let Some(arrival) = arrivals.get_mut(number) {
                arrival.accepted = true;
                arrival.spans.iter().for_each(|id| *accepted.entry(*id).or_default() += 1);
            }
            drop(record);
            self.recorded.notify_all();
        }
        behaviour
    }

    /// Keeps a request with log records, and says how to answer it.
    pub(crate) async fn add_logs(&self, request: ExportLogsServiceRequest, envelope: Envelope<'_>) -> Behaviour {
        lock(&self.log_headers).push(envelope.headers.clone());
        lock(&self.log_requests).push(request);
        prepared(self.logs.clone().unwrap_or(Behaviour::Accept), &envelope).await
    }

    /// Keeps a request with metrics, and says how to answer it.
    pub(crate) async fn add_metrics(&self, request: ExportMetricsServiceRequest, envelope: Envelope<'_>) -> Behaviour {
        lock(&self.metric_headers).push(envelope.headers.clone());
        lock(&self.metric_requests).push(request);
        self.arrived.notify_all();
        let behaviour = lock(&self.metrics).clone();
        prepared(behaviour, &envelope).await
    }
}

/// Does to the connection what is to be done to it, and waits as long as the answer is to take; gives what is left: how to
/// answer.
async fn prepared(mut behaviour: Behaviour, envelope: &Envelope<'_>) -> Behaviour {
    loop {
        behaviour = match behaviour {
            Behaviour::After(pause, other) => {
                tokio::time::sleep(pause).await;
                *other
            }
            Behaviour::Drip(pause, other) => {
                envelope.wire.drip(pause);
                *other
            }
            Behaviour::ResetInAnswer(bytes) => {
                envelope.wire.reset_after(bytes);
                Behaviour::Accept
            }
            Behaviour::Reset | Behaviour::ResetUnread => {
                envelope.wire.reset();
                std::future::pending().await
            }
            Behaviour::NoJson(status) if envelope.is_json() => Behaviour::Fail(status),
            Behaviour::NoCompression if envelope.is_compressed() => return Behaviour::NoCompression,
            Behaviour::NoJson(_) | Behaviour::NoCompression => return Behaviour::Accept,
            other @ Behaviour::Randomly { .. } => other.drawn(0),
            other => return other,
        };
    }
}
