//! OTLP over gRPC.

use crate::{Behaviour, Received, Secure};
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use std::io;
use std::sync::Arc;
use tokio::net::TcpListener;
use tonic::codec::CompressionEncoding;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status};

struct Service(Arc<Received>);

/// A server without services.
pub(crate) fn server(secure: Option<&Secure>) -> io::Result<Server> {
    let Some(secure) = secure else { return Ok(Server::builder()) };
    let mut config = ServerTlsConfig::new().identity(Identity::from_pem(&secure.certificate, &secure.key));
    if let Some(authority) = &secure.clients {
        config = config.client_ca_root(Certificate::from_pem(authority));
    }
    Server::builder().tls_config(config).map_err(io::Error::other)
}

pub(crate) async fn serve(listener: TcpListener, mut server: Server, received: Arc<Received>) {
    // A receiver without the service answers `UNIMPLEMENTED`.
    let logs = received.logs.is_some().then(|| Service(Arc::clone(&received)));
    let logs = logs.map(|logs| {
        LogsServiceServer::new(logs)
            .accept_compressed(CompressionEncoding::Gzip)
            .accept_compressed(CompressionEncoding::Zstd)
    });
    let metrics = MetricsServiceServer::new(Service(Arc::clone(&received)));
    let metrics = metrics.accept_compressed(CompressionEncoding::Gzip).accept_compressed(CompressionEncoding::Zstd);
    let service = TraceServiceServer::new(Service(received))
        .accept_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Zstd);
    let server = server.add_service(service).add_service(metrics).add_optional_service(logs);
    if let Err(error) = server.serve_with_incoming(TcpIncoming::from(listener)).await {
        eprintln!("the gRPC receiver ended: {error}");
    }
}

/// Acts as told: gives back what is to be rejected, and with which words.
async fn act(behaviour: Behaviour) -> Result<Option<(i64, String)>, Status> {
    match behaviour {
        Behaviour::Hang => std::future::pending().await,
        // A panic in a handler takes its connection along, and nothing else.
        Behaviour::Disconnect => std::panic::resume_unwind(Box::new("the connection is closed on purpose")),
        Behaviour::Status(code) => Err(Status::new(code, "on purpose")),
        Behaviour::Fail(_) => Err(Status::unavailable("out of \u{1b}[31morder")),
        Behaviour::Reject(count, text) => Ok(Some((count, text))),
        Behaviour::Accept | Behaviour::Raw(..) | Behaviour::Truncate | Behaviour::HangInBody => Ok(None),
    }
}

#[tonic::async_trait]
impl TraceService for Service {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        let rejected = act(self.0.add(request, metadata.into_headers())).await?;
        let partial_success =
            rejected.map(|(rejected_spans, error_message)| ExportTracePartialSuccess { rejected_spans, error_message });
        Ok(Response::new(ExportTraceServiceResponse { partial_success }))
    }
}

#[tonic::async_trait]
impl LogsService for Service {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        let rejected = act(self.0.add_logs(request, metadata.into_headers())).await?;
        let partial_success = rejected.map(|(rejected_log_records, error_message)| ExportLogsPartialSuccess {
            rejected_log_records,
            error_message,
        });
        Ok(Response::new(ExportLogsServiceResponse { partial_success }))
    }
}

#[tonic::async_trait]
impl MetricsService for Service {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        let rejected = act(self.0.add_metrics(request, metadata.into_headers())).await?;
        let partial_success = rejected.map(|(rejected_data_points, error_message)| ExportMetricsPartialSuccess {
            rejected_data_points,
            error_message,
        });
        Ok(Response::new(ExportMetricsServiceResponse { partial_success }))
    }
}
