//! Spans for HTTP: requests that a server answers and a client sends.

mod client;
pub mod grpc;
mod headers;
#[cfg(feature = "reqwest")]
pub mod reqwest;
pub mod server;
mod url;
mod words;

pub use client::exchange::{self, RateLimit, RateLimits};
pub use client::{
    AsError, Boxed, ClientFuture, ClientLayer, ClientService, ResendLayer, ResendService, Resends, TracedBody, Typed,
    UrlDetail, UrlTemplate,
};
pub use grpc::{GrpcClientLayer, GrpcServerLayer};
pub use server::{Capture, NotANetwork, Peer, ProxyHeader, RequestHead, ServerLayer};
