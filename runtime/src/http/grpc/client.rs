//! Calls that go out.

use super::layer::grpc_layer;
use super::rpc::Rpc;
use super::settings::{Settings, grpc_settings};
use crate::http::client::{AsError, TracedBody, Typed, Watch};
use ::http::uri::Authority;
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
    /// A layer that gives every call that goes out a span, and tells the other side about the trace.
    ///
    /// It goes around tonic's channel, or any other client of gRPC over HTTP. The span's name is
    /// `{package.Service}/{Method}`, its kind client; it lasts until the trailers have come, so all messages of a stream are
    /// in it.
    ///
    /// The attributes are those of [`GrpcServerLayer`](super::GrpcServerLayer). Every status but `OK` is an error here, and so
    /// is an answer without one (`UNKNOWN`). Where somebody else answered, such as a proxy, `http.response.status_code` is
    /// recorded as well, and the code is what gRPC makes of it. Without an answer `error.type` is as for
    /// [`ClientLayer`](crate::http::ClientLayer).
    ///
    /// ```
    /// use otelier::http::GrpcClientLayer;
    ///
    /// # fn example<S>(channel: S) {
    /// let layer = GrpcClientLayer::new().with_server("orders.example.org:50051");
    /// let channel = tower::ServiceBuilder::new().layer(layer).service(channel);
    /// // OrdersClient::new(channel)
    /// # let _: otelier::http::grpc::GrpcClientService<S> = channel;
    /// # }
    /// ```
    GrpcClientLayer, GrpcClientService, GrpcClientFuture, Rpc::send, if |_request| true, [
        /// Says who is called, `host` or `host:port`, for requests that do not name it: tonic's channel adds that further
        /// inside. What is no such name is not recorded. Default: what the request names.
        pub fn with_server(mut self, server: &str) -> Self {
            Arc::make_mut(&mut self.settings).server = Authority::try_from(server).ok();
            self
        }

        /// Says which hosts get the metadata of the trace and its baggage. Default: every one but those of
        /// [exchanges that are known](crate::http::exchange::of_host).
        pub fn with_propagation_to(mut self, host: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
            Arc::make_mut(&mut self.settings).set_propagation(Arc::new(host));
            self
        }
    ]
}
