//! Answers over gRPC that no server of tonic gives.

use crate::support::turn;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use otelier::config::{Otlp, Protocol};
use otelier::{ExporterStats, Telemetry, trace_block};
use std::convert::Infallible;

/// The fields of one head, or of trailers.
type Fields = &'static [(&'static str, &'static [u8])];

fn fields(fields: Fields) -> HeaderMap {
    let field = |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_bytes(value).expect("a value"));
    fields.iter().map(field).collect()
}

/// Exports one span to somebody who answers like this.
fn export(head: Fields, trailers: Fields) -> ExporterStats {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("threads");
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a free port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    let answer = move |request: Request<Incoming>| async move {
        let _ = request.into_body().collect().await;
        let frames = (!trailers.is_empty()).then(|| Ok::<_, Infallible>(Frame::<Bytes>::trailers(fields(trailers))));
        let mut response = Response::new(StreamBody::new(Frames(frames)));
        *response.headers_mut() = fields(head);
        response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
        Ok::<_, Infallible>(response)
    };
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            let service = hyper::service::service_fn(answer);
            tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
        }
    });
    let otlp = Otlp::to(endpoint).with_protocol(Protocol::Grpc);
    let telemetry = otelier::init(Telemetry::default().with_otlp(otlp)).expect("it starts");
    trace_block!(name = "one", {});
    telemetry.shutdown().expect("in time").exporters.remove(0)
}

/// One frame, or none.
struct Frames(Option<Result<Frame<Bytes>, Infallible>>);

impl futures_core::Stream for Frames {
    type Item = Result<Frame<Bytes>, Infallible>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(self.0.take())
    }
}

#[test]
fn details_that_are_not_base64_do_no_harm() {
    let _turn = turn();
    const HOSTILE: Fields =
        &[("grpc-status", b"8"), ("grpc-message", b"slow down"), ("grpc-status-details-bin", b"not base64!\xff")];
    // In the head of an answer without a body, and behind the body.
    for (head, trailers) in [(HOSTILE, &[][..]), (&[][..], HOSTILE)] {
        let stats = export(head, trailers);
        let error = stats.last_error.expect("a reason");
        assert_eq!((stats.exported, stats.failed), (0, 1), "{error}");
        assert!(error.ends_with("answered ResourceExhausted: slow down"), "{error}");
    }
}

#[test]
fn an_answer_over_grpc_without_a_status_or_with_an_unknown_one_is_a_failure() {
    let _turn = turn();
    const HEADS: [Fields; 4] =
        [&[], &[("grpc-status", b"99")], &[("grpc-status", b"x")], &[("grpc-status", b"7"), ("grpc-message", b"%ff")]];
    for head in HEADS {
        let stats = export(head, &[]);
        assert_eq!((stats.exported, stats.failed), (0, 1), "{stats:?}");
    }
}

#[test]
fn a_receiver_that_misses_credentials_has_the_setting_named() {
    let _turn = turn();
    let stats = export(&[("grpc-status", b"16"), ("grpc-message", b"no token")], &[]);
    let error = stats.last_error.expect("a reason");
    let expected =
        "answered Unauthenticated: no token; credentials are expected in `headers` (`OTEL_EXPORTER_OTLP_HEADERS`)";
    assert!(error.ends_with(expected), "{error}");
}
