//! Spans of gRPC: tonic's server and its channel with the layers around them, on the loopback interface.

use http_body_util::{BodyExt, Empty};
use opentelemetry::trace::SpanKind;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use otelier::CorrelationContext;
use otelier::correlation::Settings;
use otelier::http::grpc::GrpcClientService;
use otelier::http::{GrpcClientLayer, GrpcServerLayer};
use otelier::testing::{Capture, CapturedSpan, SpanTree};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tokio_stream::{Stream, StreamExt};
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, StreamingService};
use tonic::transport::server::TcpConnectInfo;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;
use tower::{Service, ServiceBuilder, ServiceExt};

const PATIENCE: Duration = Duration::from_secs(60);
const EXPORT: &str = "opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// Answers by what the metadata asks for: a status, or nothing at all.
#[derive(Clone)]
struct Traces;

#[tonic::async_trait]
impl TraceService for Traces {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        otelier::in_span("handle", |_| {});
        match request.metadata().get("x-answer").map(|answer| answer.to_str().unwrap_or_default()) {
            None => {
                let mut response = Response::new(ExportTraceServiceResponse::default());
                response.metadata_mut().insert("x-served-by", "one".parse().expect("a value"));
                Ok(response)
            }
            Some("never") => std::future::pending().await,
            Some(code) => Err(Status::new(Code::from_bytes(code.as_bytes()), "no: 5ecret")),
        }
    }
}

type Messages = Pin<Box<dyn Stream<Item = Result<ExportTraceServiceRequest, Status>> + Send>>;

/// Sends back every message, inside of a span.
struct Echo;

impl StreamingService<ExportTraceServiceRequest> for Echo {
    type Response = ExportTraceServiceRequest;
    type ResponseStream = Messages;
    type Future = std::future::Ready<Result<Response<Messages>, Status>>;

    fn call(&mut self, request: Request<Streaming<ExportTraceServiceRequest>>) -> Self::Future {
        let messages = request.into_inner().map(|message| {
            otelier::in_span("message", |_| {});
            message
        });
        std::future::ready(Ok(Response::new(Box::pin(messages))))
    }
}

#[derive(Clone)]
struct EchoServer;

impl NamedService for EchoServer {
    const NAME: &'static str = "test.Echo";
}

impl Service<http::Request<Body>> for EchoServer {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let codec = ProstCodec::<ExportTraceServiceRequest, ExportTraceServiceRequest>::default();
        Box::pin(async move { Ok(Grpc::new(codec).streaming(Echo, request).await) })
    }
}

/// A server on a port of its own, with the layer.
async fn start() -> (SocketAddr, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let layer = GrpcServerLayer::new()
        .with_request_metadata(["x-tenant"])
        .with_correlation(Settings::default().with_generate(false))
        .with_peer(|extensions| extensions.get::<TcpConnectInfo>()?.remote_addr());
    let server = Server::builder().layer(layer).add_service(TraceServiceServer::new(Traces)).add_service(EchoServer);
    let task = tokio::spawn(async move {
        server.serve_with_incoming(TcpListenerStream::new(listener)).await.expect("it serves");
    });
    (address, task)
}

fn channel(address: SocketAddr) -> GrpcClientService<Channel> {
    let channel = Endpoint::from_shared(format!("http://{address}")).expect("a URL").connect_lazy();
    let layer = GrpcClientLayer::new().with_server(&address.to_string()).with_response_metadata(["x-served-by"]);
    ServiceBuilder::new().layer(layer).service(channel)
}

/// The spans of both sides.
fn both<'a>(spans: &'a SpanTree, name: &str) -> (CapturedSpan<'a>, CapturedSpan<'a>) {
    let client = spans.named(name).find(|span| span.kind() == SpanKind::Client).expect("of the client");
    let server = spans.iter().find(|span| span.kind() == SpanKind::Server).expect("of the server");
    assert_eq!(server.parent().map(|parent| parent.span_context().span_id()), Some(client.span_context().span_id()));
    (client, server)
}

fn request(answer: Option<&'static str>) -> Request<ExportTraceServiceRequest> {
    let mut request = Request::new(ExportTraceServiceRequest::default());
    if let Some(answer) = answer {
        request.metadata_mut().insert("x-answer", answer.parse().expect("a value"));
    }
    request.metadata_mut().insert("x-tenant", "t".parse().expect("a value"));
    request
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_has_a_span_on_both_sides_in_one_trace() {
    let capture = Capture::start();
    let (address, server) = start().await;
    TraceServiceClient::new(channel(address)).export(request(None)).await.expect("an answer");
    let spans = capture.wait_for(PATIENCE, |spans| spans.len() == 3);
    server.abort();
    let (client, server) = both(&spans, EXPORT);
    for span in [client, server] {
        assert_eq!(span.name(), EXPORT);
        span.is_ok()
            .has("rpc.system.name", "grpc")
            .has("rpc.method", EXPORT)
            .has("rpc.status_code", "OK")
            .has("server.address", "127.0.0.1")
            .has("server.port", address.port())
            .has_no("error.type")
            .has_no("otelier.cancelled");
    }
    client.has("rpc.response.metadata.x-served-by", ["one"]).has_no("rpc.request.metadata.x-tenant");
    server.has("rpc.request.metadata.x-tenant", ["t"]).has("network.peer.address", "127.0.0.1").child("handle");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_correlation_id_goes_from_one_side_to_the_other() {
    let capture = Capture::start();
    let (address, server) = start().await;
    let call = async { TraceServiceClient::new(channel(address)).export(request(None)).await };
    let context = CorrelationContext::with_id("order-42").expect("it is valid");
    context.in_future(call).await.expect("an answer");
    let spans = capture.wait_for(PATIENCE, |spans| spans.len() == 3);
    server.abort();
    let (client, server) = both(&spans, EXPORT);
    client.has("correlation.id", "order-42");
    server.has("correlation.id", "order-42").child("handle").has("correlation.id", "order-42");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_is_an_error_of_the_client_and_sometimes_of_the_server() {
    for (code, name, is_servers) in [("5", "NOT_FOUND", false), ("13", "INTERNAL", true), ("14", "UNAVAILABLE", true)] {
        let capture = Capture::start();
        let (address, server) = start().await;
        TraceServiceClient::new(channel(address)).export(request(Some(code))).await.expect_err("a status");
        let spans = capture.wait_for(PATIENCE, |spans| spans.len() == 3);
        server.abort();
        let (client, server) = both(&spans, EXPORT);
        client.is_error().has("error.type", name).has("rpc.status_code", name);
        server.has("rpc.status_code", name);
        if is_servers {
            server.is_error().has("error.type", name);
        } else {
            server.is_ok().has_no("error.type");
        }
        assert!(spans.data().all(|span| !format!("{span:?}").contains("5ecret")));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_method_that_nobody_implements_does_not_name_a_span() {
    let capture = Capture::start();
    let (address, server) = start().await;
    let answer = LogsServiceClient::new(channel(address)).export(ExportLogsServiceRequest::default()).await;
    assert_eq!(answer.map(drop).map_err(|status| status.code()), Err(Code::Unimplemented));
    let spans = capture.wait_for(PATIENCE, |spans| spans.len() == 2);
    server.abort();
    let (_, server) = both(&spans, "opentelemetry.proto.collector.logs.v1.LogsService/Export");
    assert_eq!(server.name(), "grpc");
    server
        .is_error()
        .has("rpc.method", "_OTHER")
        .has("rpc.method_original", "/opentelemetry.proto.collector.logs.v1.LogsService/Export")
        .has("error.type", "UNIMPLEMENTED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_in_both_directions_is_in_the_span_to_its_end() {
    let capture = Capture::start();
    let (address, server) = start().await;
    let (messages, outgoing) = tokio::sync::mpsc::channel(4);
    let mut grpc = tonic::client::Grpc::new(channel(address));
    grpc.ready().await.expect("it is");
    let codec = ProstCodec::<ExportTraceServiceRequest, ExportTraceServiceRequest>::default();
    let path = http::uri::PathAndQuery::from_static("/test.Echo/Talk");
    let mut answers =
        grpc.streaming(Request::new(ReceiverStream::new(outgoing)), path, codec).await.expect("an answer").into_inner();
    for _ in 0..3 {
        messages.send(ExportTraceServiceRequest::default()).await.expect("somebody listens");
        assert!(answers.message().await.expect("a message").is_some());
    }
    assert!(capture.spans().named("test.Echo/Talk").next().is_none(), "it has not ended");
    drop(messages);
    assert!(answers.message().await.expect("the end").is_none());
    let spans = capture.wait_for(PATIENCE, |spans| spans.len() == 5);
    server.abort();
    let (client, server) = both(&spans, "test.Echo/Talk");
    client.is_ok().has("rpc.status_code", "OK");
    server.is_ok().has("rpc.status_code", "OK").has_children(["message", "message", "message"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_given_up_is_cancelled_on_both_sides() {
    let capture = Capture::start();
    let (address, server) = start().await;
    let mut client = TraceServiceClient::new(channel(address));
    let call = client.export(request(Some("never")));
    let is_heard = async {
        while capture.spans().named("handle").next().is_none() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::select! {
        answer = call => panic!("it is never answered: {answer:?}"),
        heard = tokio::time::timeout(PATIENCE, is_heard) => heard.expect("the server hears of it"),
    }
    let spans = capture.wait_for(PATIENCE, |spans| spans.len() == 3);
    server.abort();
    let (client, server) = both(&spans, EXPORT);
    for span in [client, server] {
        span.has("otelier.cancelled", true)
            .has("otelier.http.cancelled_in", "waiting")
            .has("rpc.status_code", "CANCELLED")
            .has_no("error.type");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadline_that_has_passed_ends_the_call_on_both_sides() {
    for seconds in [0.1, 1.0, 10.0, 60.0] {
        let capture = Capture::start();
        let (address, server) = start().await;
        let mut never = request(Some("never"));
        never.set_timeout(Duration::from_secs_f64(seconds));
        TraceServiceClient::new(channel(address)).export(never).await.expect_err("it is late");
        if capture.spans().named("handle").next().is_none() {
            // On a machine as busy as this one, the server has not even heard of it.
            server.abort();
            continue;
        }
        let spans = capture.wait_for(PATIENCE, |spans| spans.len() == 3);
        server.abort();
        let (client, server) = both(&spans, EXPORT);
        // Tonic's server looks at the deadline, too, and says so by another status; whoever is first ends the call.
        let class = client.is_error().attribute("error.type").map(ToString::to_string);
        assert!(matches!(class.as_deref(), Some("timeout" | "CANCELLED")), "{class:?}");
        server.has("otelier.rpc.timeout", seconds).has("otelier.cancelled", true);
        return;
    }
    panic!("no time is enough for the server to hear of it");
}

#[tokio::test]
async fn a_call_that_is_dropped_after_its_deadline_was_late() {
    let capture = Capture::start();
    let mut service = ServiceBuilder::new().layer(GrpcServerLayer::new()).service(tower::service_fn(
        |_: http::Request<Empty<bytes::Bytes>>| {
            std::future::pending::<Result<http::Response<Empty<bytes::Bytes>>, Infallible>>()
        },
    ));
    for timeout in ["1m", "1H"] {
        let request = http::Request::post("http://example.org/a.B/C");
        let request = request.header("content-type", "application/grpc").header("grpc-timeout", timeout);
        let call = service.ready().await.expect("it is").call(request.body(Empty::new()).expect("a request"));
        assert!(tokio::time::timeout(Duration::from_millis(20), call).await.is_err());
    }
    let spans = capture.finish();
    let codes: Vec<_> = spans.iter().map(|span| span.attribute("rpc.status_code").map(ToString::to_string)).collect();
    assert_eq!(codes, [Some("DEADLINE_EXCEEDED".to_owned()), Some("CANCELLED".to_owned())]);
    assert!(spans.iter().all(|span| span.attribute("otelier.cancelled").is_some()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_there_is_an_error_with_a_class() {
    let capture = Capture::start();
    let unused = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port").local_addr().expect("an address");
    TraceServiceClient::new(channel(unused)).export(request(None)).await.expect_err("nobody is there");
    capture.finish().span(EXPORT).failed_with("connection_refused").has_no("rpc.status_code");
}

#[tokio::test]
async fn somebody_between_answers_for_a_server_that_is_gone() {
    let capture = Capture::start();
    let client = ServiceBuilder::new().layer(GrpcClientLayer::new()).service(tower::service_fn(
        |request: http::Request<Empty<bytes::Bytes>>| async move {
            let mut response = http::Response::new(Empty::<bytes::Bytes>::new());
            if request.uri().path() == "/a.B/Bad" {
                *response.status_mut() = http::StatusCode::BAD_GATEWAY;
            }
            Ok::<_, Infallible>(response)
        },
    ));
    for path in ["/a.B/Bad", "/a.B/Mute", "/none"] {
        let request = http::Request::post(format!("http://example.org{path}")).body(Empty::new()).expect("a request");
        let answer = client.clone().oneshot(request).await.expect("an answer");
        answer.into_body().collect().await.expect("a body");
    }
    let spans = capture.finish();
    spans.span("a.B/Bad").failed_with("UNAVAILABLE").has("http.response.status_code", 502);
    spans.span("a.B/Mute").is_error().has("rpc.status_code", "UNKNOWN");
    spans.span("grpc").has("rpc.method", "_OTHER").has("rpc.method_original", "/none");
}

#[tokio::test]
async fn requests_that_are_none_of_grpc_pass_without_a_span() {
    let capture = Capture::start();
    let service = ServiceBuilder::new().layer(GrpcServerLayer::new()).service(tower::service_fn(
        |_: http::Request<Empty<bytes::Bytes>>| async {
            Ok::<_, Infallible>(http::Response::new(Empty::<bytes::Bytes>::new()))
        },
    ));
    let request = http::Request::get("http://example.org/").body(Empty::new()).expect("a request");
    service.oneshot(request).await.expect("an answer");
    assert!(capture.finish().is_empty());
}

#[tokio::test]
async fn strangers_choose_few_names_where_a_check_refuses_them_before_the_service() {
    let capture = Capture::start();
    let server = ServiceBuilder::new().layer(GrpcServerLayer::new()).service(tower::service_fn(
        |request: http::Request<Empty<bytes::Bytes>>| async move {
            let mut response = http::Response::new(Empty::<bytes::Bytes>::new());
            if !request.headers().contains_key("authorization") {
                response.headers_mut().insert("grpc-status", http::HeaderValue::from_static("16"));
            }
            Ok::<_, Infallible>(response)
        },
    ));
    let call = |path: String, is_known: bool| {
        let mut request =
            http::Request::post(format!("http://example.org{path}")).header("content-type", "application/grpc");
        if is_known {
            request = request.header("authorization", "5ecret");
        }
        server.clone().oneshot(request.body(Empty::new()).expect("a request"))
    };
    for number in 0..500 {
        drop(call(format!("/evil.Service/M{number}"), false).await.expect("an answer"));
    }
    drop(call("/a.B/Real".to_owned(), true).await.expect("an answer"));
    drop(call("/a.B/Real".to_owned(), false).await.expect("an answer"));
    let spans = capture.finish();
    let names: std::collections::BTreeSet<_> = spans.iter().map(|span| span.name().to_owned()).collect();
    assert!(names.len() <= 66, "{}", names.len());
    assert_eq!(spans.named("a.B/Real").count(), 2);
    let other = spans.named("grpc").next().expect("most of them");
    other.has("rpc.method", "_OTHER").has_key("rpc.method_original").has("rpc.status_code", "UNAUTHENTICATED");
}
