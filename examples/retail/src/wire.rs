//! How a trace gets over the wire: spans for requests on both sides, and the headers between them.

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use http::HeaderMap;
use opentelemetry::global;
use otelier::schema::Kind;
use otelier::{InSpan, Span};
use std::collections::HashMap;

/// The headers that hand the current context on.
pub fn headers() -> Vec<(String, String)> {
    let mut headers = HashMap::new();
    global::get_text_map_propagator(|propagator| {
        propagator.inject_context(&otelier::current_context(), &mut headers);
    });
    headers.into_iter().collect()
}

/// Gives every request to these routes a span, below the span of who sent it.
pub fn layers(router: Router) -> Router {
    router.layer(from_fn(serve))
}

async fn serve(request: Request, next: Next) -> Response {
    let method = request.method().as_str().to_owned();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let name = route.as_ref().map_or_else(|| method.clone(), |route| format!("{method} {route}"));
    let span = Span::builder(name)
        .kind(Kind::Server)
        .child_of(request.headers())
        .attribute("http.request.method", method)
        .attribute("http.route", route)
        .attribute("url.path", request.uri().path())
        .attribute("url.scheme", "http");
    let answered = async move {
        let response = next.run(request).await;
        let status = response.status();
        otelier::current_span().set_attribute("http.response.status_code", status.as_u16());
        if status.is_server_error() {
            let span = otelier::current_span();
            span.set_attribute("error.type", status.as_str());
            span.set_status(opentelemetry::trace::Status::error(""));
        }
        response
    };
    answered.in_span(span).await
}

/// What sends requests.
pub fn client() -> reqwest::Client {
    reqwest::Client::new()
}

/// Sends a request, in a span of its own whose context it carries, and returns the status and the body.
///
/// # Errors
///
/// If there is no answer.
pub async fn send(client: &reqwest::Client, mut request: reqwest::Request) -> reqwest::Result<(u16, Vec<u8>)> {
    let (method, url) = (request.method().as_str().to_owned(), request.url().clone());
    let span = Span::builder(method.clone())
        .kind(Kind::Client)
        .attribute("http.request.method", method)
        .attribute("url.full", url.as_str())
        .attribute("server.address", url.host_str())
        .attribute("server.port", url.port_or_known_default());
    let answered = async {
        add(headers(), request.headers_mut());
        let response = client.execute(request).await?;
        let status = response.status().as_u16();
        otelier::current_span().set_attribute("http.response.status_code", status);
        if status >= 400 {
            let span = otelier::current_span();
            span.set_attribute("error.type", status.to_string());
            span.set_status(opentelemetry::trace::Status::error(""));
        }
        Ok((status, response.bytes().await?.to_vec()))
    };
    answered.try_in_span(span).await
}

fn add(headers: Vec<(String, String)>, to: &mut HeaderMap) {
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (name.parse::<http::HeaderName>(), value.parse()) {
            to.insert(name, value);
        }
    }
}
