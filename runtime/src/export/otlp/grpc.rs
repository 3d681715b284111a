//! OTLP over gRPC, with tonic's channel and bytes that are encoded already.

use super::answer::{self, Answers};
use super::endpoint::Place;
use super::error::{ExportError, printable};
use super::response::{self, Encoding};
use super::{Body, Service, Trust, retry_info};
use crate::config::{Compression, Otlp};
use crate::export::Accepted;
use bytes::{Buf, BufMut, Bytes};
use http::uri::PathAndQuery;
use http::{HeaderMap, Uri};
use std::error::Error;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

/// Calls `Export` of one service at one endpoint.
#[derive(Debug)]
pub(crate) struct GrpcTransport {
    settings: Endpoint,
    #[cfg_attr(not(feature = "tls"), allow(dead_code))]
    trust: Trust,
    #[cfg(feature = "tls")]
    heard: super::heard::Heard,
    channel: tokio::sync::OnceCell<Channel>,
    endpoint: Place,
    method: PathAndQuery,
    headers: HeaderMap,
    compression: Option<CompressionEncoding>,
    longest_answer: usize,
}

impl GrpcTransport {
    pub(crate) fn new(
        service: Service,
        endpoint: Place,
        headers: HeaderMap,
        body: Body,
        trust: Trust,
        otlp: &Otlp,
    ) -> Self {
        // tonic takes a connection to `https` as plain, and refuses it if somebody turned its own TLS on. So it is told
        // `http`, while the connector knows better; requests say the truth, by their origin.
        let mut parts = endpoint.uri.clone().into_parts();
        parts.scheme = Some(http::uri::Scheme::HTTP);
        let plain = Uri::from_parts(parts).unwrap_or_else(|_| endpoint.uri.clone());
        let mut settings = Endpoint::from(plain).origin(endpoint.uri.clone());
        if !otlp.timeout.is_zero() {
            settings = settings.connect_timeout(otlp.timeout);
        }
        let settings = settings.clone().user_agent(super::USER_AGENT).unwrap_or(settings);
        Self {
            settings,
            trust,
            #[cfg(feature = "tls")]
            heard: super::heard::Heard::default(),
            channel: tokio::sync::OnceCell::new(),
            endpoint,
            method: PathAndQuery::from_static(service.method()),
            headers,
            compression: compression(body.compression),
            longest_answer: otlp.max_response_size,
        }
    }

    fn connect(&self) -> Channel {
        #[cfg(unix)]
        if let Some(path) = &self.endpoint.socket {
            return self.settings.connect_with_connector_lazy(super::unix::Socket(path.clone()));
        }
        #[cfg(feature = "tls")]
        if self.endpoint.is_https() {
            let connector = super::heard::Secure {
                connector: super::tls::grpc(self.trust.clone()),
                to: self.endpoint.uri.clone(),
                heard: self.heard.clone(),
            };
            return self.settings.connect_with_connector_lazy(connector);
        }
        self.settings.connect_lazy()
    }

    /// Makes one call with an encoded request.
    pub(crate) async fn send(&self, body: Bytes) -> Result<Accepted, ExportError> {
        // The collector's runtime stands still between batches; yielding lets a connection that the receiver closed in the
        // meantime see it, before a call is lost on it.
        tokio::task::yield_now().await;
        // The channel is made here because it needs the runtime it will run on.
        let channel = self.channel.get_or_init(async || self.connect()).await.clone();
        let mut client = tonic::client::Grpc::new(Answers(channel)).max_decoding_message_size(self.longest_answer);
        if let Some(compression) = self.compression {
            client = client.send_compressed(compression);
        }
        client.ready().await.map_err(|error| self.broken(&error))?;
        let mut request = Request::new(body);
        *request.metadata_mut() = MetadataMap::from_headers(self.headers.clone());
        match client.unary(request, self.method.clone(), RawCodec).await {
            Ok(answer) => Ok(response::accepted(Encoding::Protobuf, answer.get_ref())),
            // A status without metadata that carries a source was made by the transport, not by the receiver.
            Err(status) => Err(match Error::source(&status) {
                Some(source) => self.broken(source),
                None => refusal(&self.endpoint, &status),
            }),
        }
    }
}

impl GrpcTransport {
    fn broken(&self, error: &(dyn Error + 'static)) -> ExportError {
        #[cfg(feature = "tls")]
        if let Some(reason) = self.heard.take() {
            return ExportError::connection(&self.endpoint, &reason);
        }
        ExportError::connection(&self.endpoint, error)
    }
}

/// What the receiver said with another status than `OK`.
pub(super) fn refusal(endpoint: &Place, status: &Status) -> ExportError {
    let refusal = ExportError::Grpc {
        endpoint: endpoint.shown(),
        code: status.code(),
        message: printable(status.message().as_bytes()),
        retry_info: answer::details(status).and_then(|details| retry_info::asked(&details)),
    };
    refusal.naming_headers()
}

/// A word whose feature is missing has been refused.
fn compression(compression: Compression) -> Option<CompressionEncoding> {
    match compression {
        #[cfg(feature = "gzip")]
        Compression::Gzip => Some(CompressionEncoding::Gzip),
        #[cfg(feature = "zstd")]
        Compression::Zstd => Some(CompressionEncoding::Zstd),
        _ => None,
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
