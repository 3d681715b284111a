//! Spans for requests of reqwest: as a middleware of `reqwest-middleware`, or for single requests.
//!
//! ```
//! use otelier::http::reqwest::{SendTraced, TraceMiddleware};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! // Without a middleware:
//! let answer = reqwest::Client::new().get("http://127.0.0.1:1/").send_traced().await;
//!
//! // With one. Behind a middleware that tries again, such as that of `reqwest-retry`, every attempt has a span.
//! let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
//!     // .with(RetryTransientMiddleware::new_with_policy(policy))
//!     .with(TraceMiddleware::new())
//!     .build();
//! let answer = client.get("http://127.0.0.1:1/").send().await;
//! # Ok(())
//! # }
//! ```
//!
//! The spans are those of [`ClientLayer`](super::ClientLayer). What is different:
//!
//! * A redirect that reqwest follows is no request of its own: one span has the URL that was asked for, and the status of
//!   the last answer. The headers of the trace go along to wherever the redirect leads, also to a host that
//!   [`with_propagation_to`](TraceMiddleware::with_propagation_to) leaves out; reqwest takes away credentials only. With
//!   `redirect::Policy::none()` nothing is followed.
//! * `error.type` is also `redirect`, `decode`, `body`, `builder`, `upgrade` or `connect` where the causes of an error of
//!   reqwest say nothing more exact. URLs in errors are not recorded.
//! * The answer is given back with a body that ends the span, unless [`with_body`](TraceMiddleware::with_body) says
//!   otherwise; its URL, version, headers, extensions and known length stay. Sizes are those after decompression, where
//!   reqwest does that.

use super::client::{
    Call, Outgoing, Resends, Settings, TracedBody, UrlTemplate, Watch, class_of, client_settings, description,
};
use ::http::header::HOST;
use ::http::uri::Authority;
use ::http::{Extensions, Uri};
use ::reqwest::{Body, Client, Request, RequestBuilder, Response, ResponseBuilderExt};
use async_trait::async_trait;
use reqwest_middleware::{Middleware, Next};
use std::error::Error;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, LazyLock};

/// A middleware that gives every request a span, and tells the other side about the trace. See the
/// [module](crate::http::reqwest).
///
/// Its place among others says what is in the span: behind a middleware that tries again it sees every attempt, and these
/// have `http.request.resend_count` from the second one on, and a link to the one before. Before it, one span has them all.
///
/// A [`UrlTemplate`] is taken from the extensions of the request builder:
///
/// ```
/// use otelier::http::UrlTemplate;
/// use otelier::http::reqwest::TraceMiddleware;
///
/// let middleware = TraceMiddleware::new().with_response_headers(["x-request-id"]);
/// let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new()).with(middleware).build();
/// let request = client.get("https://api.binance.com/api/v3/klines").with_extension(UrlTemplate("/api/v3/klines"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct TraceMiddleware {
    settings: Arc<Settings>,
}

impl TraceMiddleware {
    /// A middleware with the settings that are the default.
    pub fn new() -> Self {
        Self::default()
    }

    client_settings!(settings);

    /// Sends one request, without a client that has middlewares.
    ///
    /// ```
    /// # async fn example(client: reqwest::Client) -> reqwest::Result<()> {
    /// let traced = otelier::http::reqwest::TraceMiddleware::new().with_response_headers(["x-request-id"]);
    /// let answer = traced.send(client.get("https://example.org/")).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`RequestBuilder::send`](::reqwest::RequestBuilder::send).
    pub async fn send(&self, request: RequestBuilder) -> ::reqwest::Result<Response> {
        let (client, request) = request.build_split();
        self.execute(&client, request?, &mut Extensions::new()).await
    }

    async fn execute(
        &self,
        client: &Client,
        mut request: Request,
        extensions: &mut Extensions,
    ) -> ::reqwest::Result<Response> {
        let call = self.begin(&mut request, extensions);
        let (call, result) = run(call, client.execute(request)).await;
        finish(call, result, |error| error)
    }

    fn begin(&self, request: &mut Request, extensions: &mut Extensions) -> Call {
        // Whoever tries again does so with the same extensions.
        let resends = extensions.get_or_insert_default::<Resends>().clone();
        let url = request.url().clone();
        let method = request.method().clone();
        let template = extensions.get::<UrlTemplate>().map(|template| template.0.into());
        let template = template.or_else(|| {
            let uri = self.settings.has_template().then(|| Uri::try_from(url.as_str()).ok()).flatten();
            self.settings.template(&method, &uri?)
        });
        let authority = Authority::try_from(url.authority()).ok().or_else(|| {
            let host = request.headers().get(HOST);
            host.and_then(|host| Authority::try_from(host.as_bytes()).ok())
        });
        let body_size = request.body().and_then(Body::as_bytes).map(|bytes| bytes.len() as u64);
        let out = Outgoing {
            method: &method,
            scheme: Some(url.scheme()),
            authority,
            path: url.path(),
            query: url.query(),
            template,
            headers: request.headers_mut(),
            body_size,
            resends: Some(&resends),
        };
        Call::begin(&self.settings, out)
    }
}

#[async_trait]
impl Middleware for TraceMiddleware {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        let call = self.begin(&mut request, extensions);
        let (call, result) = run(call, next.run(request, extensions)).await;
        finish(call, result, |error| match error {
            reqwest_middleware::Error::Reqwest(error) => error,
            reqwest_middleware::Error::Middleware(error) => error.as_ref(),
        })
    }
}

/// Runs the future inside of the span. Dropped meanwhile, the call was cancelled.
async fn run<F: Future>(call: Call, future: F) -> (Call, F::Output) {
    let mut future = pin!(future);
    let result = poll_fn(|task| call.recording().within(|| future.as_mut().poll(task))).await;
    (call, result)
}

fn finish<E>(
    mut call: Call,
    result: Result<Response, E>,
    cause: impl FnOnce(&E) -> &(dyn Error + 'static),
) -> Result<Response, E> {
    match result {
        Ok(response) => {
            call.answered(response.status(), response.version(), response.headers());
            if call.reads_body() {
                return Ok(wrap(response, call));
            }
            call.end();
            Ok(response)
        }
        Err(error) => {
            failed(&mut call, cause(&error));
            Err(error)
        }
    }
}

fn failed(call: &mut Call, error: &(dyn Error + 'static)) {
    let class = match class_of(error) {
        "_OTHER" => error.downcast_ref().and_then(kind).unwrap_or("_OTHER"),
        class => class,
    };
    // The text of an error of reqwest has the URL in it, and so may have others; what caused them has not.
    let description = if error.source().is_some() { description(error) } else { class.to_owned() };
    call.failed_with(class, &description);
}

fn kind(error: &::reqwest::Error) -> Option<&'static str> {
    Some(if error.is_timeout() {
        "timeout"
    } else if error.is_redirect() {
        "redirect"
    } else if error.is_connect() {
        "connect"
    } else if error.is_decode() {
        "decode"
    } else if error.is_body() {
        "body"
    } else if error.is_builder() {
        "builder"
    } else if error.is_upgrade() {
        "upgrade"
    } else {
        return None;
    })
}

/// The answer with a body that ends the span.
fn wrap(response: Response, call: Call) -> Response {
    let url = response.url().clone();
    let (mut parts, body) = ::http::Response::<Body>::from(response).into_parts();
    // The conversion back takes the URL from here.
    if let Ok(with_url) = ::http::Response::builder().url(url).body(()) {
        parts.extensions.extend(with_url.into_parts().0.extensions);
    }
    let body = TracedBody::new(body, Some(Watch::Call(call)), |error| error);
    Response::from(::http::Response::from_parts(parts, Body::wrap(body)))
}

/// Sends a request with a span of its own, without a middleware.
///
/// For settings see [`TraceMiddleware::send`].
pub trait SendTraced: Sized {
    /// Sends the request inside of a span, and tells the other side about the trace.
    ///
    /// ```
    /// use otelier::http::reqwest::SendTraced;
    ///
    /// # async fn example() -> reqwest::Result<()> {
    /// let answer = reqwest::Client::new().get("https://example.org/").send_traced().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of `send`.
    fn send_traced(self) -> impl Future<Output = ::reqwest::Result<Response>> + Send;
}

impl SendTraced for RequestBuilder {
    async fn send_traced(self) -> ::reqwest::Result<Response> {
        static DEFAULT: LazyLock<TraceMiddleware> = LazyLock::new(TraceMiddleware::new);
        DEFAULT.send(self).await
    }
}
