//! OTLP over gRPC.

use crate::{Behaviour, Received};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use std::sync::Arc;
use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

struct Service(Arc<Received>);

pub(crate) async fn serve(listener: TcpListener, received: Arc<Received>) {
    let service = TraceServiceServer::new(Service(received));
    let server = tonic::transport::Server::builder().add_service(service);
    if let Err(error) = server.serve_with_incoming(TcpIncoming::from(listener)).await {
        eprintln!("the gRPC receiver ended: {error}");
    }
}

#[tonic::async_trait]
impl TraceService for Service {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        let mut message = ExportTraceServiceResponse::default();
        match self.0.add(request, metadata.into_headers()) {
            Behaviour::Hang => std::future::pending::<()>().await,
            // A panic in a handler takes its connection along, and nothing else.
            Behaviour::Disconnect => std::panic::resume_unwind(Box::new("the connection is closed on purpose")),
            Behaviour::Status(code) => return Err(Status::new(code, "on purpose")),
            Behaviour::Fail(_) => return Err(Status::unavailable("out of \u{1b}[31morder")),
            Behaviour::Reject(spans, text) => {
                message.partial_success =
                    Some(ExportTracePartialSuccess { rejected_spans: spans, error_message: text });
            }
            Behaviour::Accept | Behaviour::Raw(..) | Behaviour::Truncate | Behaviour::HangInBody => {}
        }
        Ok(Response::new(message))
    }
}
