//! OTLP: records to protobuf, and the transports that carry it.

mod again;
#[cfg(feature = "otlp-grpc")]
mod answer;
mod body;
mod broken;
mod encode;
mod endpoint;
mod error;
#[cfg(feature = "otlp-http")]
mod fetcher;
#[cfg(all(any(test, fuzzing), feature = "otlp-http", feature = "otlp-grpc"))]
pub(crate) mod fuzz;
#[cfg(feature = "otlp-grpc")]
mod grpc;
#[cfg(all(feature = "otlp-grpc", feature = "tls"))]
mod heard;
#[cfg(feature = "otlp-http")]
mod http;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "zipkin")]
mod poster;
mod response;
mod response_json;
#[cfg(feature = "otlp-http")]
mod retry_after;
#[cfg(feature = "otlp-grpc")]
mod retry_info;
mod tls;
#[cfg(unix)]
mod unix;

use super::delivery::{Format, Receiver, Sending};
use super::{Accepted, Batch, Signal};
use crate::ConfigError;
use crate::config::{Otlp, Protocol, Retry};
use body::Body;
use bytes::Bytes;
use error::ExportError;
#[cfg(feature = "otlp-http")]
pub(crate) use fetcher::Fetcher;
#[cfg(feature = "metrics")]
pub(crate) use metrics::metric_sink;
#[cfg(feature = "zipkin")]
pub(crate) use poster::Poster;
pub(crate) use response::Encoding;
use std::sync::Arc;
use std::time::Duration;
use tls::Trust;

/// How requests introduce themselves.
const USER_AGENT: &str = concat!("otelier/", env!("CARGO_PKG_VERSION"));

/// The receiver these settings name; what is wrong with them goes to `problems`, but nothing twice: settings that
/// exporters share are wrong for all.
pub(crate) fn receiver(
    signal: Signal,
    otlp: &Otlp,
    retry: &Retry,
    problems: &mut ConfigError,
) -> Option<Arc<dyn Receiver>> {
    let service = match signal {
        Signal::Spans => Service::Traces,
        Signal::Logs => Service::Logs,
        Signal::Metrics => Service::Metrics,
    };
    let mut found = ConfigError::default();
    let sender = Sender::new(service, otlp, &mut found);
    problems.absorb(found);
    let retry = retry.clone();
    sender.map(|sender| Arc::new(OtlpReceiver { sender, retry }) as _)
}

/// A batch as a request in protobuf.
pub(crate) fn encode(signal: Signal, batch: &Batch) -> Vec<u8> {
    encode::request(signal, batch)
}

/// What a receiver takes at one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Traces,
    Logs,
    #[cfg_attr(not(feature = "metrics"), allow(dead_code))]
    Metrics,
}

impl Service {
    /// The word in `OTEL_EXPORTER_OTLP_…_ENDPOINT`.
    fn variable(self) -> &'static str {
        match self {
            Self::Traces => "TRACES",
            Self::Logs => "LOGS",
            Self::Metrics => "METRICS",
        }
    }

    /// What HTTP appends to the base URL.
    fn path(self) -> &'static str {
        match self {
            Self::Traces => "v1/traces",
            Self::Logs => "v1/logs",
            Self::Metrics => "v1/metrics",
        }
    }

    #[cfg(feature = "otlp-grpc")]
    fn method(self) -> &'static str {
        match self {
            Self::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Self::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
            Self::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        }
    }
}

/// Sends encoded requests to one receiver.
#[derive(Debug)]
pub(crate) struct Sender {
    protocol: Protocol,
    encoding: Encoding,
    url: String,
    /// Where receivers of OTLP over HTTP usually take this signal.
    #[cfg_attr(not(feature = "otlp-http"), allow(dead_code))]
    path: &'static str,
    /// How long one request may take.
    timeout: Duration,
    max_request_size: usize,
    transport: Transport,
}

#[derive(Debug)]
enum Transport {
    #[cfg(feature = "otlp-http")]
    Http(Box<http::HttpTransport>),
    #[cfg(feature = "otlp-grpc")]
    Grpc(Box<grpc::GrpcTransport>),
}

impl Sender {
    /// What is wrong with the settings goes to `problems`.
    pub(crate) fn new(service: Service, otlp: &Otlp, problems: &mut ConfigError) -> Option<Self> {
        let headers = endpoint::headers(&otlp.headers, problems);
        let endpoint = endpoint::endpoint(service, otlp, problems);
        let body = Body::new(otlp, problems);
        let endpoint = endpoint?;
        let trust = tls::trust(&endpoint, &otlp.tls, problems);
        let url = endpoint.shown();
        let transport = match otlp.protocol {
            #[cfg(feature = "otlp-http")]
            Protocol::HttpProtobuf | Protocol::HttpJson => {
                let longest = otlp.max_response_size;
                Transport::Http(Box::new(http::HttpTransport::new(endpoint, headers, body, trust?, longest)))
            }
            #[cfg(feature = "otlp-grpc")]
            Protocol::Grpc => {
                Transport::Grpc(Box::new(grpc::GrpcTransport::new(service, endpoint, headers, body, trust?, otlp)))
            }
            #[allow(unreachable_patterns)]
            missing => {
                // In a file the name of the exporter says it.
                let (key, feature) =
                    if missing == Protocol::Grpc { ("otlp_grpc", "otlp-grpc") } else { ("otlp_http", "otlp-http") };
                problems.push(format_args!(
                    "`{key}` (`OTEL_EXPORTER_OTLP_PROTOCOL` is `{}`) needs the feature `{feature}`, without which `otelier` \
                     was built",
                    missing.as_str()
                ));
                return None;
            }
        };
        // No limit is one that nobody lives to see.
        let timeout = if otlp.timeout.is_zero() { Duration::MAX } else { otlp.timeout };
        let max_request_size = if otlp.max_request_size == 0 { usize::MAX } else { otlp.max_request_size };
        let path = service.path();
        Some(Self { protocol: otlp.protocol, encoding: body.encoding, url, path, timeout, max_request_size, transport })
    }

    /// The name in [`Stats`](crate::Stats).
    pub(crate) fn name(&self) -> String {
        format!("otlp {} {}", self.protocol.as_str(), self.url)
    }

    /// How requests must be encoded.
    pub(crate) fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Sends one request, and waits for the answer.
    pub(crate) async fn send(&self, request: Bytes) -> Result<Accepted, ExportError> {
        if request.len() > self.max_request_size {
            return Err(ExportError::TooLarge { size: request.len(), limit: self.max_request_size });
        }
        let sending = async {
            match &self.transport {
                #[cfg(feature = "otlp-http")]
                Transport::Http(transport) => transport.send(request).await.map_err(|error| self.with_hint(error)),
                #[cfg(feature = "otlp-grpc")]
                Transport::Grpc(transport) => transport.send(request).await,
            }
        };
        let late = || ExportError::Timeout { endpoint: self.url.clone(), after: self.timeout };
        tokio::time::timeout(self.timeout, sending).await.map_err(|_| late()).flatten()
    }

    /// Says where OTLP is usually taken, if there is nothing where it was sent to.
    #[cfg(feature = "otlp-http")]
    fn with_hint(&self, error: ExportError) -> ExportError {
        match error {
            ExportError::Status { endpoint, status: 404, body, pause } if !endpoint.ends_with(self.path) => {
                let separator = if body.is_empty() { "" } else { "; " };
                let body = format!("{body}{separator}OTLP is usually taken at `/{}`", self.path);
                ExportError::Status { endpoint, status: 404, body, pause }
            }
            error => error,
        }
    }
}

/// One receiver of one signal.
#[derive(Debug)]
struct OtlpReceiver {
    sender: Sender,
    /// Says which answers are not final.
    retry: Retry,
}

impl Receiver for OtlpReceiver {
    fn name(&self) -> String {
        self.sender.name()
    }

    fn format(&self) -> Format {
        match self.sender.encoding() {
            Encoding::Protobuf => Format::Protobuf,
            Encoding::Json => Format::Json,
        }
    }

    fn send(&self, request: Vec<u8>) -> Sending<'_> {
        Box::pin(async move { self.sender.send(request.into()).await.map_err(|error| error.refused(&self.retry)) })
    }
}
