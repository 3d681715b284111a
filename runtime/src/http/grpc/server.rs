//! Calls that come in.

use super::layer::grpc_layer;
use super::rpc::{Rpc, is_grpc};
use super::settings::{Settings, grpc_settings};
use crate::http::client::{AsError, TracedBody, Typed, Watch};
use ::http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tower_layer::Layer;
use tower_service::Service;

grpc_layer! {
    /// A layer that gives every call that comes in a span, below the span that its metadata names.
    ///
    /// It takes what tonic's server does (`Server::builder().layer(..)`), and any other service of gRPC over HTTP. The
    /// span's name is `{package.Service}/{Method}`, its kind server; it lasts until the trailers, so all messages of a stream
    /// are in it, and what makes them runs inside of it. Requests that are none of gRPC pass without a span.
    ///
    /// | attribute | |
    /// |-|-|
    /// | `rpc.system.name` | `grpc` |
    /// | `rpc.method` | `{package.Service}/{Method}`; `_OTHER` where the path is none, nobody implements it, or more than 64 methods were only ever refused |
    /// | `rpc.method_original` | the path in that case; the span is named `grpc` then, because strangers choose paths |
    /// | `rpc.status_code` | `OK`, `NOT_FOUND`, …, from headers or trailers |
    /// | `error.type` | the status, if it is the server's failure: `UNKNOWN`, `DEADLINE_EXCEEDED`, `UNIMPLEMENTED`, `INTERNAL`, `UNAVAILABLE`, `DATA_LOSS`; then the span's status is an error |
    /// | `server.address`, `server.port` | what the request names |
    /// | `network.peer.address`, `network.peer.port` | see [`with_peer`](Self::with_peer) |
    /// | `rpc.request.metadata.<key>`, `rpc.response.metadata.<key>` | those that were asked for |
    /// | `otelier.rpc.timeout` | how long the client waits (`grpc-timeout`), in seconds |
    /// | `otelier.cancelled`, `otelier.http.cancelled_in` | the call was dropped `waiting` for the answer or in its `body`; the code is `CANCELLED`, or `DEADLINE_EXCEEDED` if the client's time was over |
    ///
    /// The names are those of the semantic conventions for RPC as of release 1.45. Since 1.39 these put the service into
    /// `rpc.method` and have no `rpc.service` any more; `rpc.status_code` was `rpc.response.status_code` from 1.39 to 1.44.
    ///
    /// ```
    /// use otelier::http::GrpcServerLayer;
    /// use std::net::SocketAddr;
    ///
    /// let layer: GrpcServerLayer = GrpcServerLayer::new()
    ///     .with_request_metadata(["x-tenant"])
    ///     .with_peer(|extensions| extensions.get::<SocketAddr>().copied());
    /// // tonic::transport::Server::builder().layer(layer).add_service(..)
    /// # let _ = layer;
    /// ```
    GrpcServerLayer, GrpcServerService, GrpcServerFuture, Rpc::serve, if |request| is_grpc(&request), [
        /// Reads the correlation id of calls, and enters its [`CorrelationContext`](crate::CorrelationContext): every span and
        /// every log line of the call has it. Where none comes in that is acceptable, the settings say whether one is made.
        /// Default: ids are not read.
        pub fn with_correlation(mut self, settings: crate::correlation::Settings) -> Self {
            Arc::make_mut(&mut self.settings).correlation = Some(settings);
            self
        }
    ]
}
