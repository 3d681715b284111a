//! Calls of gRPC, that come in and that go out.

mod client;
mod known;
mod layer;
mod rpc;
mod server;
mod settings;
mod status;

pub use client::{GrpcClientFuture, GrpcClientLayer, GrpcClientService};
pub use server::{GrpcServerFuture, GrpcServerLayer, GrpcServerService};

pub(super) use rpc::Rpc;
