//! OTLP over gRPC, with tonic's channel and bytes that are encoded already.

use super::error::{ExportError, innermost, printable};
use super::response;
use crate::export::{Accepted, Signal};
use bytes::{Buf, BufMut, Bytes};
use http::uri::PathAndQuery;
use http::{HeaderMap, Uri};
use std::time::Duration;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

const LONGEST_ANSWER: usize = 64 * 1024;

/// Calls `Export` of one signal's service at one endpoint.
#[derive(Debug)]
pub(crate) struct GrpcTransport {
    settings: Endpoint,
    channel: tokio::sync::OnceCell<Channel>,
    endpoint: Uri,
    method: PathAndQuery,
    headers: HeaderMap,
}

impl GrpcTransport {
    pub(crate) fn new(signal: Signal, endpoint: Uri, headers: HeaderMap, timeout: Duration) -> Self {
        let settings = Endpoint::from(endpoint.clone()).connect_timeout(timeout);
        let settings = settings.clone().user_agent(super::USER_AGENT).unwrap_or(settings);
        let method = match signal {
            Signal::Spans => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
            Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        };
        let method = PathAndQuery::from_static(method);
        Self { settings, channel: tokio::sync::OnceCell::new(), endpoint, method, headers }
    }

    /// Makes one call with an encoded request.
    pub(crate) async fn send(&self, body: Bytes) -> Result<Accepted, ExportError> {
        // The collector's runtime stands still between batches; yielding lets a connection that the receiver closed in the
        // meantime see it, before a call is lost on it.
        tokio::task::yield_now().await;
        // The channel is made here because it needs the runtime it will run on.
        let channel = self.channel.get_or_init(async || self.settings.connect_lazy()).await.clone();
        let mut client = tonic::client::Grpc::new(channel).max_decoding_message_size(LONGEST_ANSWER);
        client.ready().await.map_err(|error| self.broken(&error))?;
        let mut request = Request::new(body);
        *request.metadata_mut() = MetadataMap::from_headers(self.headers.clone());
        match client.unary(request, self.method.clone(), RawCodec).await {
            Ok(answer) => Ok(response::accepted(answer.get_ref())),
            // A status without metadata that carries a source was made by the transport, not by the receiver.
            Err(status) => Err(match std::error::Error::source(&status) {
                Some(source) => self.broken(source),
                None => ExportError::Grpc {
                    endpoint: self.endpoint.to_string(),
                    code: format!("{:?}", status.code()),
                    message: printable(status.message().as_bytes()),
                },
            }),
        }
    }

    fn broken(&self, error: &dyn std::error::Error) -> ExportError {
        ExportError::Connection { endpoint: self.endpoint.to_string(), reason: innermost(error) }
    }
}

/// Passes bytes through.
#[derive(Clone, Copy, Debug)]
struct RawCodec;

impl Codec for RawCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put(item);
        Ok(())
    }
}

impl Decoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        let length = from.remaining();
        Ok(Some(from.copy_to_bytes(length)))
    }
}
