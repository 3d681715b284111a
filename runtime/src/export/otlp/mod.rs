//! OTLP: records to protobuf, and the transports that carry it.

mod encode;
mod endpoint;
mod error;
#[cfg(feature = "otlp-grpc")]
mod grpc;
#[cfg(feature = "otlp-http")]
mod http;
#[cfg(feature = "metrics")]
mod metrics;
mod response;

use super::{Accepted, Batch, Exporter, Exporting, Signal};
use crate::ConfigError;
use crate::config::{Otlp, OtlpLogs, Protocol};
use error::ExportError;
#[cfg(feature = "metrics")]
pub(crate) use metrics::metric_sink;
use std::sync::Arc;
use std::time::Duration;

/// How requests introduce themselves.
const USER_AGENT: &str = concat!("otelier/", env!("CARGO_PKG_VERSION"));

/// The exporters these settings ask for: of spans, and of log records if there are any; what is wrong with the settings
/// goes to `problems`.
pub(crate) fn exporters(otlp: &Otlp, with_logs: bool, problems: &mut ConfigError) -> Vec<Arc<dyn Exporter>> {
    let mut exporters: Vec<Arc<dyn Exporter>> = Vec::new();
    exporters.extend(exporter(&Target::spans(otlp), problems));
    if let Some(logs) = otlp.logs.as_ref().filter(|_| with_logs) {
        // What both share is wrong for both, and is said once.
        let mut again = ConfigError::default();
        exporters.extend(exporter(&Target::logs(otlp, logs), &mut again));
        problems.absorb(again);
    }
    exporters
}

/// Where and how one signal goes.
#[derive(Clone, Copy)]
struct Target<'a> {
    signal: Signal,
    protocol: Protocol,
    /// The URL that all signals share.
    base: Option<&'a str>,
    /// The URL of this signal, used as it is.
    exact: Option<&'a str>,
    headers: &'a str,
    timeout: Duration,
}

impl<'a> Target<'a> {
    fn spans(otlp: &'a Otlp) -> Self {
        Self {
            signal: Signal::Spans,
            protocol: otlp.protocol,
            base: otlp.endpoint.as_deref(),
            exact: otlp.traces_endpoint.as_deref(),
            headers: &otlp.headers,
            timeout: otlp.timeout,
        }
    }

    fn logs(otlp: &'a Otlp, logs: &'a OtlpLogs) -> Self {
        Self {
            signal: Signal::Logs,
            protocol: logs.protocol.unwrap_or(otlp.protocol),
            base: otlp.endpoint.as_deref(),
            exact: logs.endpoint.as_deref(),
            headers: logs.headers.as_deref().unwrap_or(&otlp.headers),
            timeout: logs.timeout.unwrap_or(otlp.timeout),
        }
    }
}

fn exporter(target: &Target<'_>, problems: &mut ConfigError) -> Option<Arc<dyn Exporter>> {
    Some(Arc::new(transport(target, problems)?))
}

fn transport(target: &Target<'_>, problems: &mut ConfigError) -> Option<OtlpExporter> {
    let Target { signal, timeout, .. } = *target;
    let headers = endpoint::headers(target.headers, problems);
    let endpoint = endpoint::endpoint(target, problems)?;
    let url = endpoint.to_string();
    let (protocol, transport) = match target.protocol {
        #[cfg(feature = "otlp-http")]
        Protocol::HttpProtobuf => {
            ("http/protobuf", Transport::Http(Box::new(http::HttpTransport::new(endpoint, headers))))
        }
        #[cfg(feature = "otlp-grpc")]
        Protocol::Grpc => {
            ("grpc", Transport::Grpc(Box::new(grpc::GrpcTransport::new(signal, endpoint, headers, timeout))))
        }
        #[allow(unreachable_patterns)]
        missing => {
            let (name, feature) = match missing {
                Protocol::HttpProtobuf => ("http/protobuf", "otlp-http"),
                Protocol::Grpc => ("grpc", "otlp-grpc"),
            };
            problems.push(format_args!(
                "the OTLP protocol (`OTEL_EXPORTER_OTLP_PROTOCOL`) is `{name}`, but `otelier` was built without the feature \
                 `{feature}`"
            ));
            return None;
        }
    };
    Some(OtlpExporter { signal, protocol, url, timeout, transport })
}

/// Sends one signal of the batches by OTLP.
#[derive(Debug)]
struct OtlpExporter {
    signal: Signal,
    protocol: &'static str,
    url: String,
    /// How long one request may take.
    timeout: Duration,
    transport: Transport,
}

#[derive(Debug)]
enum Transport {
    #[cfg(feature = "otlp-http")]
    Http(Box<http::HttpTransport>),
    #[cfg(feature = "otlp-grpc")]
    Grpc(Box<grpc::GrpcTransport>),
}

impl Transport {
    async fn send(&self, request: bytes::Bytes) -> Result<Accepted, ExportError> {
        match self {
            #[cfg(feature = "otlp-http")]
            Self::Http(transport) => transport.send(request).await,
            #[cfg(feature = "otlp-grpc")]
            Self::Grpc(transport) => transport.send(request).await,
        }
    }
}

impl OtlpExporter {
    async fn send(&self, request: Vec<u8>) -> Result<Accepted, String> {
        let sent = tokio::time::timeout(self.timeout, self.transport.send(request.into())).await;
        let late = || ExportError::Timeout { endpoint: self.url.clone(), after: self.timeout };
        sent.map_err(|_| late()).flatten().map_err(|error| error.to_string())
    }
}

impl Exporter for OtlpExporter {
    fn name(&self) -> String {
        format!("otlp {} {}", self.protocol, self.url)
    }

    fn signal(&self) -> Signal {
        self.signal
    }

    fn export<'a>(&'a self, batch: &'a Batch) -> Exporting<'a> {
        Box::pin(self.send(encode::request(self.signal, batch)))
    }
}
