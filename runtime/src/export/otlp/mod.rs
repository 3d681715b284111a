//! OTLP: records to protobuf, and the transports that carry it.

mod encode;
mod endpoint;
mod error;
#[cfg(feature = "otlp-grpc")]
mod grpc;
#[cfg(feature = "otlp-http")]
mod http;
mod response;

use super::{Accepted, Batch, Exporter, Exporting};
use crate::ConfigError;
use crate::config::{Otlp, Protocol};
use error::ExportError;
use std::sync::Arc;
use std::time::Duration;

/// How requests introduce themselves.
const USER_AGENT: &str = concat!("otelier/", env!("CARGO_PKG_VERSION"));

/// The exporter these settings ask for; what is wrong with them goes to `problems`.
pub(crate) fn exporter(otlp: &Otlp, problems: &mut ConfigError) -> Option<Arc<dyn Exporter>> {
    let headers = endpoint::headers(&otlp.headers, problems);
    let endpoint = endpoint::endpoint(otlp, problems)?;
    let url = endpoint.to_string();
    let (protocol, transport) = match otlp.protocol {
        #[cfg(feature = "otlp-http")]
        Protocol::HttpProtobuf => {
            ("http/protobuf", Transport::Http(Box::new(http::HttpTransport::new(endpoint, headers))))
        }
        #[cfg(feature = "otlp-grpc")]
        Protocol::Grpc => {
            ("grpc", Transport::Grpc(Box::new(grpc::GrpcTransport::new(endpoint, headers, otlp.timeout))))
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
    Some(Arc::new(OtlpExporter { protocol, url, timeout: otlp.timeout, transport }))
}

/// Sends batches by OTLP.
#[derive(Debug)]
struct OtlpExporter {
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

impl Exporter for OtlpExporter {
    fn name(&self) -> String {
        format!("otlp {} {}", self.protocol, self.url)
    }

    fn export<'a>(&'a self, batch: &'a Batch) -> Exporting<'a> {
        let request = bytes::Bytes::from(encode::request(batch));
        Box::pin(async move {
            let sent = tokio::time::timeout(self.timeout, self.transport.send(request)).await;
            let late = || ExportError::Timeout { endpoint: self.url.clone(), after: self.timeout };
            sent.map_err(|_| late()).flatten().map_err(|error| error.to_string())
        })
    }
}
