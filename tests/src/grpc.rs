//! OTLP over gRPC.

use crate::behaviour::Behaviour;
use crate::connection::{Connection, Wire};
use crate::received::{Envelope, Received};
use crate::tls::Secure;
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
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::codec::CompressionEncoding;
use tonic::transport::server::TlsConnectInfo;
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
    let service = TraceServiceServer::new(Service(Arc::clone(&received)))
        .accept_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Zstd);
    let server = server.add_service(service).add_service(metrics).add_optional_service(logs);
    let (connections, incoming) = mpsc::channel::<io::Result<Connection>>(64);
    let accept = async {
        while let Ok((stream, _)) = listener.accept().await {
            let (wire, unread) = received.connect();
            let connection = Connection::new(stream, Arc::clone(&wire));
            if unread {
                wire.reset();
            } else if connections.send(Ok(connection)).await.is_err() {
                break;
            }
        }
    };
    tokio::select! {
        () = accept => {}
        ended = server.serve_with_incoming(ReceiverStream::new(incoming)) => {
            if let Err(error) = ended {
                eprintln!("the gRPC receiver ended: {error}");
            }
        }
    }
}

/// The connection that a request came on.
fn wire<T>(request: &Request<T>) -> Arc<Wire> {
    let plain = request.extensions().get::<Arc<Wire>>();
    let secure = || request.extensions().get::<TlsConnectInfo<Arc<Wire>>>().map(TlsConnectInfo::get_ref);
    plain.or_else(secure).map_or_else(|| Wire::new(0), Arc::clone)
}

/// Acts as told: gives back what is to be rejected, and with which words.
async fn act(behaviour: Behaviour) -> Result<Option<(i64, String)>, Status> {
    match behaviour {
        Behaviour::Hang => std::future::pending().await,
        // A panic in a handler takes its connection along, and nothing else.
        Behaviour::Disconnect => std::panic::resume_unwind(Box::new("the connection is closed on purpose")),
        Behaviour::Status(code) => Err(Status::new(code, "on purpose")),
        Behaviour::Details(code, details) => Err(Status::with_details(code, "on purpose", details.into())),
        Behaviour::Fail(_) | Behaviour::Throttle(..) => Err(Status::unavailable("out of \u{1b}[31morder")),
        // The words of tonic's own server.
        Behaviour::NoCompression => {
            Err(Status::unimplemented("Content is compressed with `gzip` which isn't supported"))
        }
        Behaviour::Reject(count, text) => Ok(Some((count, text))),
        // What the others do has been done already, or can be done over HTTP only.
        _ => Ok(None),
    }
}

#[tonic::async_trait]
impl TraceService for Service {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let wire = wire(&request);
        let (metadata, _, request) = request.into_parts();
        let envelope = Envelope { headers: metadata.into_headers(), wire: &wire };
        let rejected = act(self.0.add(request, envelope).await).await?;
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
        let wire = wire(&request);
        let (metadata, _, request) = request.into_parts();
        let envelope = Envelope { headers: metadata.into_headers(), wire: &wire };
        let rejected = act(self.0.add_logs(request, envelope).await).await?;
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
        let wire = wire(&request);
        let (metadata, _, request) = request.into_parts();
        let envelope = Envelope { headers: metadata.into_headers(), wire: &wire };
        let rejected = act(self.0.add_metrics(request, envelope).await).await?;
        let partial_success = rejected.map(|(rejected_data_points, error_message)| ExportMetricsPartialSuccess {
            rejected_data_points,
            error_message,
        });
        Ok(Response::new(ExportMetricsServiceResponse { partial_success }))
    }
}
