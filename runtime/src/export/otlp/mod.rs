//! OTLP: records to protobuf, and the transports that carry it.

mod encode;
mod endpoint;
mod error;
#[cfg(feature = "otlp-grpc")]
mod grpc;
#[cfg(feature = "otlp-http")]
mod http;
mod response;

use super::{Batch, Exporter, Exporting};
use crate::ConfigError;
use crate::config::{Otlp, Protocol};
use std::sync::Arc;

/// How requests introduce themselves.
const USER_AGENT: &str = concat!("otelier/", env!("CARGO_PKG_VERSION"));

/// The exporter these settings ask for; what is wrong with them goes to `problems`.
pub(crate) fn exporter(otlp: &Otlp, problems: &mut ConfigError) -> Option<Arc<dyn Exporter>> {
    let headers = endpoint::headers(&otlp.headers, problems);
    let endpoint = endpoint::endpoint(otlp, problems)?;
    match otlp.protocol {
        #[cfg(feature = "otlp-http")]
        Protocol::HttpProtobuf => {
            let transport = http::HttpTransport::new(endpoint, headers, otlp.timeout);
            Some(Arc::new(OtlpExporter::Http(Box::new(transport))))
        }
        #[cfg(feature = "otlp-grpc")]
        Protocol::Grpc => {
            let transport = grpc::GrpcTransport::new(endpoint, headers, otlp.timeout);
            Some(Arc::new(OtlpExporter::Grpc(Box::new(transport))))
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
            None
        }
    }
}

/// Sends batches by OTLP.
#[derive(Debug)]
enum OtlpExporter {
    #[cfg(feature = "otlp-http")]
    Http(Box<http::HttpTransport>),
    #[cfg(feature = "otlp-grpc")]
    Grpc(Box<grpc::GrpcTransport>),
}

impl Exporter for OtlpExporter {
    fn name(&self) -> String {
        match self {
            #[cfg(feature = "otlp-http")]
            Self::Http(transport) => format!("otlp http/protobuf {}", transport.endpoint()),
            #[cfg(feature = "otlp-grpc")]
            Self::Grpc(transport) => format!("otlp grpc {}", transport.endpoint()),
        }
    }

    fn export<'a>(&'a self, batch: &'a Batch) -> Exporting<'a> {
        let request = bytes::Bytes::from(encode::request(batch));
        Box::pin(async move {
            let result = match self {
                #[cfg(feature = "otlp-http")]
                Self::Http(transport) => transport.send(request).await,
                #[cfg(feature = "otlp-grpc")]
                Self::Grpc(transport) => transport.send(request).await,
            };
            result.map_err(|error| error.to_string())
        })
    }
}
