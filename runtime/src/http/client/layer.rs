//! The tower layer.

use super::body::{TracedBody, Watch};
use super::call::{Call, Outgoing};
use super::failure::{AsError, Typed};
use super::resend::Resends;
use super::settings::{Settings, UrlTemplate, client_settings};
use ::http::header::HOST;
use ::http::uri::Authority;
use ::http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tower_layer::Layer;
use tower_service::Service;

/// A layer that gives every request a span, and tells the other side about the trace.
///
/// It takes services over `http::Request`: hyper-util's client, and what tower makes of it. The span follows the semantic
/// conventions for HTTP clients (stable since 1.23): name `{method}` or `{method} {url.template}`, kind client, from the
/// call until the answer's body has been read or dropped.
///
/// | attribute | |
/// |-|-|
/// | `http.request.method`, `http.request.method_original` | the latter if the method is not a known one |
/// | `server.address`, `server.port` | from the URL, or the `Host` header; the port also where it is the scheme's |
/// | `url.full` | see [`UrlDetail`](super::UrlDetail) |
/// | `url.template` | see [`UrlTemplate`] |
/// | `http.request.body.size`, `http.response.body.size` | where there is one whose size is known before, and where all of it was read |
/// | `http.request.resend_count` | from the second attempt on, with a link to the one before; see [`Resends`] |
/// | `http.response.status_code`, `network.protocol.version` | of the answer |
/// | `error.type` | the status from 400 on, or what went wrong: `timeout`, `connection_refused`, `connection_reset`, `connection_closed`, `name_not_resolved`, `certificate_invalid`, `response_invalid`, … or `_OTHER`; the span's status is an error |
/// | `otelier.cancelled`, `otelier.http.cancelled_in` | dropped before the answer (`waiting`), or before its body was read (`body`); no error |
/// | `crypto.…` | where the host is an exchange; see [`exchange`](super::exchange) |
///
/// Headers that name another trace are replaced. Where no span is active and none is recorded, headers that were set by hand
/// stay.
///
/// The answer's body becomes a [`TracedBody`]; the error of the service stays what it is. `K` says how errors are read, and
/// is found by the compiler.
///
/// ```
/// use otelier::http::ClientLayer;
/// use tower::ServiceBuilder;
///
/// # fn example<S>(client: S) {
/// let client = ServiceBuilder::new()
///     .layer(ClientLayer::new().with_response_headers(["x-request-id"]))
///     .service(client);
/// # let _: otelier::http::ClientService<S> = client;
/// # }
/// ```
pub struct ClientLayer<K = (Typed, Typed)> {
    settings: Arc<Settings>,
    kinds: PhantomData<fn() -> K>,
}

impl<K> Default for ClientLayer<K> {
    fn default() -> Self {
        Self { settings: Arc::default(), kinds: PhantomData }
    }
}

impl<K> Clone for ClientLayer<K> {
    fn clone(&self) -> Self {
        Self { settings: Arc::clone(&self.settings), kinds: PhantomData }
    }
}

impl<K> fmt::Debug for ClientLayer<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientLayer").field("settings", &self.settings).finish()
    }
}

impl<K> ClientLayer<K> {
    /// A layer with the settings that are the default.
    pub fn new() -> Self {
        Self::default()
    }

    client_settings!(settings);
}

impl<S, K> Layer<S> for ClientLayer<K> {
    type Service = ClientService<S, K>;

    fn layer(&self, inner: S) -> ClientService<S, K> {
        ClientService { inner, settings: Arc::clone(&self.settings), kinds: PhantomData }
    }
}

/// What [`ClientLayer`] makes of a service.
pub struct ClientService<S, K = (Typed, Typed)> {
    inner: S,
    settings: Arc<Settings>,
    kinds: PhantomData<fn() -> K>,
}

impl<S: Clone, K> Clone for ClientService<S, K> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), settings: Arc::clone(&self.settings), kinds: PhantomData }
    }
}

impl<S: fmt::Debug, K> fmt::Debug for ClientService<S, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientService").field("inner", &self.inner).field("settings", &self.settings).finish()
    }
}

impl<S, B, R, E, F> Service<Request<B>> for ClientService<S, (E, F)>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: AsError<E>,
    B: Body,
    R: Body,
    R::Error: AsError<F>,
{
    type Response = Response<TracedBody<R>>;
    type Error = S::Error;
    type Future = ClientFuture<S::Future, (E, F)>;

    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(task)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let call = begin(&self.settings, &mut request);
        let future = call.recording().within(|| self.inner.call(request));
        ClientFuture { future, call: Some(call), kinds: PhantomData }
    }
}

fn begin<B: Body>(settings: &Arc<Settings>, request: &mut Request<B>) -> Call {
    let body_size = request.body().size_hint().exact();
    let template = request.extensions().get::<UrlTemplate>().map(|template| template.0.into());
    let template = template.or_else(|| settings.template(request.method(), request.uri()));
    let resends = request.extensions().get::<Resends>().cloned();
    let uri = request.uri().clone();
    let of_header = |request: &Request<B>| Authority::try_from(request.headers().get(HOST)?.as_bytes()).ok();
    let authority = uri.authority().cloned().or_else(|| of_header(request));
    let method = request.method().clone();
    let out = Outgoing {
        method: &method,
        scheme: uri.scheme_str(),
        authority,
        path: uri.path(),
        query: uri.query(),
        template,
        headers: request.headers_mut(),
        body_size,
        resends: resends.as_ref(),
    };
    Call::begin(settings, out)
}

pin_project! {
    /// The answer of a [`ClientService`]. Dropped before it has come, the request was cancelled.
    pub struct ClientFuture<F, K> {
        #[pin]
        future: F,
        call: Option<Call>,
        kinds: PhantomData<fn() -> K>,
    }
}

impl<F: fmt::Debug, K> fmt::Debug for ClientFuture<F, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientFuture").field("future", &self.future).finish_non_exhaustive()
    }
}

impl<F, R, O, E, G> Future for ClientFuture<F, (E, G)>
where
    F: Future<Output = Result<Response<R>, O>>,
    O: AsError<E>,
    R: Body,
    R::Error: AsError<G>,
{
    type Output = Result<Response<TracedBody<R>>, O>;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let future = this.future;
        let result = match this.call.as_ref() {
            Some(call) => ready!(call.recording().within(|| future.poll(task))),
            // It was ready before; what it says now is its own affair.
            None => ready!(future.poll(task)),
        };
        let mut call = this.call.take();
        let error = <R::Error as AsError<G>>::as_error;
        Poll::Ready(match result {
            Ok(response) => {
                if let Some(call) = &mut call {
                    call.answered(response.status(), response.version(), response.headers());
                }
                let watch = call.and_then(|mut call| {
                    if call.reads_body() {
                        return Some(Watch::Call(call));
                    }
                    call.end();
                    None
                });
                Ok(response.map(|body| TracedBody::new(body, watch, error)))
            }
            Err(failure) => {
                if let Some(call) = &mut call {
                    call.failed(failure.as_error());
                }
                Err(failure)
            }
        })
    }
}
