//! Takes spans by gRPC and shows them by Jaeger's API. Arguments: the ports for gRPC and for HTTP, both on loopback.

use otlp_embedded::{Config, State, TraceServiceImpl, TraceServiceServer, ui_app};
use std::future::IntoFuture;
use std::net::{Ipv4Addr, SocketAddr};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let ports: Vec<u16> = std::env::args().skip(1).map(|port| port.parse()).collect::<Result<_, _>>()?;
    let [grpc, http] = ports[..] else { return Err("two ports are expected, for gRPC and for HTTP".into()) };
    let address = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let state = State::new(Config { max_length: 1000, max_memory_usage: 1 << 27 });
    let listener = tokio::net::TcpListener::bind(address(http)).await?;
    let page = tokio::spawn(axum::serve(listener, ui_app(state.clone(), "/")).into_future());
    let service = TraceServiceServer::new(TraceServiceImpl::new(state));
    tonic::transport::Server::builder().add_service(service).serve(address(grpc)).await?;
    page.await??;
    Ok(())
}
