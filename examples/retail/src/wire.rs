//! How a trace gets over the wire: spans for requests on both sides, and the headers between them.

use axum::Router;
use http::{Method, Uri};
use otelier::correlation::Settings;
use otelier::http::ServerLayer;
use otelier::http::reqwest::TraceMiddleware;
use std::borrow::Cow;

/// Gives every request to these routes a span, below the span of who sent it, and a correlation id, which the answer says.
pub fn layers(router: Router) -> Router {
    router.layer(ServerLayer::new().with_correlation(Settings::current()))
}

/// What sends requests, each in a span of its own whose context it carries.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    traced: TraceMiddleware,
}

/// A client of the shop.
pub fn client() -> Client {
    Client { http: reqwest::Client::new(), traced: TraceMiddleware::new().with_url_template(template) }
}

/// The paths of the shop without their values, which name the spans.
fn template(_: &Method, url: &Uri) -> Option<Cow<'static, str>> {
    Some(match url.path() {
        "/products" => "/products".into(),
        "/orders" => "/orders".into(),
        "/reports" => "/reports".into(),
        path if path.starts_with("/orders/") => "/orders/{id}".into(),
        _ => return None,
    })
}

impl Client {
    /// A request that is still to be sent.
    pub fn request(&self, method: Method, url: String) -> reqwest::RequestBuilder {
        self.http.request(method, url)
    }

    /// Sends a request, and returns the status and the body.
    ///
    /// # Errors
    ///
    /// If there is no answer.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> reqwest::Result<(u16, Vec<u8>)> {
        let response = self.traced.send(request).await?;
        let status = response.status().as_u16();
        Ok((status, response.bytes().await?.to_vec()))
    }
}
