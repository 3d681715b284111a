//! What the client does about errors, seen in its spans.

use std::net::SocketAddr;
use std::time::Duration;

use otelier::testing::{Captured, SpanTree, capture_async};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{Client, ExchangeError, Request};

/// An exchange that gives these answers, one after another: the status line's end, a header, the body.
async fn exchange(answers: &'static [(&str, &str, &str)]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        for (status, header, body) in answers {
            let Ok((mut stream, _)) = listener.accept().await else { return };
            // A request without a body comes in one piece here.
            let _ = stream.read(&mut [0; 4096]).await;
            let length = body.len();
            let answer =
                format!("HTTP/1.1 {status}\r\n{header}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    address
}

async fn ask(answers: &'static [(&str, &str, &str)]) -> (Result<(), ExchangeError>, SpanTree) {
    let client = Client::new(exchange(answers).await, Duration::from_secs(20)).expect("a client");
    let Captured { value, spans } = capture_async(client.get(&Request::depth("BTCUSDT", 5))).await;
    (value.map(drop), spans)
}

const WEIGHT: &str = "x-mbx-used-weight-1m: 5";

#[tokio::test]
async fn an_attempt_links_to_the_one_before_and_its_error_says_what_it_is() {
    let (result, spans) = ask(&[("503 Service Unavailable", WEIGHT, "{}"), ("200 OK", WEIGHT, "{}")]).await;
    assert_eq!(result, Ok(()));
    // What the request was about is not the question here.
    let shown = spans.without("server.*").without("http.*").without("crypto.*").without("url.*");
    shown.assert_tree(
        r#"
        binance /api/v3/depth [client] ✗ error.type="503" failure.kind=unavailable failure.recovery=retry failure.retryable=true failure.severity=medium retry.attempt=1 retry.max_attempts=4
        binance /api/v3/depth [client] retry.attempt=2 retry.max_attempts=4
          link binance /api/v3/depth otelier.link.type=previous_attempt
        "#,
    );
    let [first, second] = [0, 1].map(|at| spans.roots().nth(at).expect("two attempts"));
    first.has("http.response.status_code", 503).has("crypto.rate_limit.used_weight", 5);
    first.has_no("http.request.resend_count");
    second.has("http.request.resend_count", 1).links_to("binance /api/v3/depth");
}

#[tokio::test]
async fn an_error_that_will_not_pass_is_not_tried_again() {
    let (result, spans) = ask(&[("400 Bad Request", WEIGHT, r#"{"code":-1121,"msg":"Invalid symbol."}"#)]).await;
    assert!(matches!(result, Err(ExchangeError::Refused { status: 400, .. })), "{result:?}");
    assert_eq!(spans.len(), 1);
    spans
        .span("binance /api/v3/depth")
        .failed_with("400")
        .has("failure.kind", "validation")
        .has_no("failure.retryable");
}

#[tokio::test]
async fn a_pause_that_is_asked_for_is_waited_for_between_the_attempts() {
    let (result, spans) = ask(&[("429 Too Many", "retry-after: 1", "{}"), ("200 OK", WEIGHT, "{}")]).await;
    assert_eq!(result, Ok(()));
    let names: Vec<_> = spans.roots().map(|span| span.name().to_owned()).collect();
    assert_eq!(names, ["binance /api/v3/depth", "wait for rate limit", "binance /api/v3/depth"]);
    let refused = spans.roots().next().expect("an attempt");
    refused.failed_with("429").event("rate_limited").has("crypto.retry_after", 1.0);
}
