//! Requests that are answered.

mod attributes;
mod capture;
mod forwarded;
mod future;
mod json;
mod mode;
pub(super) mod parent;
mod response_body;
mod service;
mod settings;
mod work;

pub use capture::Capture;
pub use forwarded::{NotANetwork, ProxyHeader};
pub use future::ResponseFuture;
pub use mode::{AsIs, Mode, Read, RequestBody};
pub use response_body::ResponseBody;
pub use service::Server;
pub use settings::{Peer, RequestHead};

use super::headers::{self, Wanted};
use ::http::HeaderName;
use forwarded::Proxies;
use settings::{Excluded, Settings, TraceHeader};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::sync::Arc;
use tower_layer::Layer;

/// Names of the metrics that the semantic conventions have for servers. They are reserved: `otelier` records nothing under them
/// yet, and will not record anything else under them.
pub mod metric {
    /// Durations of requests: a histogram in seconds.
    pub const REQUEST_DURATION: &str = "http.server.request.duration";
    /// Requests that are worked on: an up-down counter.
    pub const ACTIVE_REQUESTS: &str = "http.server.active_requests";
    /// Sizes of the requests' bodies: a histogram in bytes.
    pub const REQUEST_BODY_SIZE: &str = "http.server.request.body.size";
    /// Sizes of the answers' bodies: a histogram in bytes.
    pub const RESPONSE_BODY_SIZE: &str = "http.server.response.body.size";
}

/// A [`tower`](tower_layer::Layer) layer that gives every request a server span, as OpenTelemetry's semantic conventions for HTTP
/// say: for axum, for hyper, and for everything else whose services take `http::Request`s.
///
/// The span begins with the request, is current while the service works on it and while the body of the answer is sent, and
/// ends with that body. It is below the span that the request's headers name. Its name is the method and the route, as in
/// `GET /orders/{id}`; without a route it is the method.
///
/// | what happens | status of the span | what the span says |
/// |-|-|-|
/// | 1xx to 4xx | unset | |
/// | 5xx | error | `error.type` is the number |
/// | the service, or the body, gives an error | error | `error.type` is the error's Rust type |
/// | a panic | error | an `exception` event, unless a span inside has it already: as with annotated functions |
/// | the client goes away | unset | `otelier.cancelled`, and `otelier.http.disconnected`: `before_response` or `response_body` |
///
/// A span costs nothing while telemetry is off, and is not evaluated where its trace is not recorded; the trace goes on all the
/// same. The layer itself never fails, and changes neither errors nor bodies.
///
/// All attributes and settings: `docs/http.md`.
///
/// ```
/// use axum::{Router, routing::get};
/// use otelier::http::ServerLayer;
///
/// let app: Router = Router::new()
///     .route("/orders/{id}", get(|| async { "one" }))
///     .layer(ServerLayer::new().with_excluded_paths(["/health", "/static/*"]));
/// ```
pub struct ServerLayer<M = AsIs> {
    settings: Arc<Settings>,
    mode: PhantomData<fn() -> M>,
}

impl<M> Clone for ServerLayer<M> {
    fn clone(&self) -> Self {
        Self { settings: Arc::clone(&self.settings), mode: PhantomData }
    }
}

impl<M> fmt::Debug for ServerLayer<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerLayer").field("settings", &self.settings).finish()
    }
}

impl Default for ServerLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl ServerLayer {
    /// A layer with the default settings, behind which services get the bodies of requests as they are.
    pub fn new() -> Self {
        Self { settings: Arc::default(), mode: PhantomData }
    }
}

impl<M> ServerLayer<M> {
    fn set(mut self, set: impl FnOnce(&mut Settings)) -> Self {
        set(Arc::make_mut(&mut self.settings));
        self
    }

    /// Counts the bodies of requests while they are read, for requests that do not say their size. The service behind the layer
    /// gets a [`RequestBody`] then; axum takes it as any other body.
    ///
    /// ```
    /// use otelier::http::ServerLayer;
    ///
    /// let app: axum::Router = axum::Router::new().layer(ServerLayer::new().with_request_bodies());
    /// ```
    #[must_use]
    pub fn with_request_bodies(self) -> ServerLayer<Read> {
        ServerLayer { settings: self.settings, mode: PhantomData }
    }

    /// Records the beginnings of the requests' bodies as `otelier.http.request.body.content`, with
    /// `otelier.http.request.body.truncated` where the service did not read it all or the limit cut it. Default: nothing is
    /// recorded. As with [`with_request_bodies`](Self::with_request_bodies) the service gets a [`RequestBody`].
    #[must_use]
    pub fn with_request_capture(self, capture: Capture) -> ServerLayer<Read> {
        self.set(|settings| settings.request_capture = Some(Arc::new(capture))).with_request_bodies()
    }

    /// Records the beginnings of the answers' bodies as `otelier.http.response.body.content`, with
    /// `otelier.http.response.body.truncated` where the limit cut it, or it was not sent whole. Default: nothing is recorded.
    #[must_use]
    pub fn with_response_capture(self, capture: Capture) -> Self {
        self.set(|settings| settings.response_capture = Some(Arc::new(capture)))
    }

    /// Records these headers of requests as `http.request.header.<name>`. Default: none.
    ///
    /// Of a header that proves who sends it only `REDACTED` is recorded, so that a span tells whether it came. That is every
    /// header whose name contains `auth`, `cookie`, `credential`, `csrf`, `jwt`, `key`, `passphrase`, `passwd`, `password`,
    /// `secret`, `session`, `signature`, `token` or `xsrf`, or ends in `-sign`, and every value that is marked as sensitive.
    /// What is no name of a header is left out, and a [diagnostic](crate::diagnostics) says so.
    ///
    /// ```
    /// use otelier::http::ServerLayer;
    ///
    /// let layer = ServerLayer::new().with_request_headers(["accept", "x-request-id"]).with_response_headers([http::header::VARY]);
    /// ```
    #[must_use]
    pub fn with_request_headers(self, names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let wanted = names.into_iter().filter_map(|name| Wanted::new("http.request.header.", name.as_ref())).collect();
        self.set(|settings| settings.request_headers = wanted)
    }

    /// Records these headers of answers as `http.response.header.<name>`, by the rule of
    /// [`with_request_headers`](Self::with_request_headers). Default: none.
    #[must_use]
    pub fn with_response_headers(self, names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let wanted = names.into_iter().filter_map(|name| Wanted::new("http.response.header.", name.as_ref())).collect();
        self.set(|settings| settings.response_headers = wanted)
    }

    /// Requests for these paths have no span, and nothing that happens in them has one. `/health` is one path, `/static/*` is
    /// `/static` and everything below it. The query does not count. Default: none.
    #[must_use]
    pub fn with_excluded_paths<T: Into<Cow<'static, str>>>(self, paths: impl IntoIterator<Item = T>) -> Self {
        let excluded = paths.into_iter().map(|path| Excluded(path.into())).collect();
        self.set(|settings| settings.excluded = excluded)
    }

    /// Asks a function whether a request has a span; where it says no, nothing that happens in the request has one. It is called
    /// with every request while telemetry is on.
    ///
    /// ```
    /// use otelier::http::ServerLayer;
    ///
    /// let layer = ServerLayer::new().with_filter(|request| !request.headers.contains_key("x-probe"));
    /// ```
    #[must_use]
    pub fn with_filter(self, filter: impl Fn(&RequestHead<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.set(|settings| settings.filter = Some(Arc::new(filter)))
    }

    /// Asks a function for the route of a request, low in cardinality. Without one, or where it has none, the route is the one
    /// that axum matched (feature `axum`).
    ///
    /// ```
    /// use otelier::http::ServerLayer;
    ///
    /// let layer = ServerLayer::new().with_route(|request| match request.uri.path().split('/').nth(1)? {
    ///     "orders" => Some("/orders/{id}".into()),
    ///     _ => None,
    /// });
    /// ```
    #[must_use]
    pub fn with_route(
        self,
        route: impl Fn(&RequestHead<'_>) -> Option<Cow<'static, str>> + Send + Sync + 'static,
    ) -> Self {
        self.set(|settings| settings.route = Some(Arc::new(route)))
    }

    /// Asks a function for the other end of the connection. Default: axum's `ConnectInfo` (feature `axum`), else a [`Peer`] in
    /// the extensions.
    #[must_use]
    pub fn with_peer(self, peer: impl Fn(&RequestHead<'_>) -> Option<SocketAddr> + Send + Sync + 'static) -> Self {
        self.set(|settings| settings.peer = Some(Arc::new(peer)))
    }

    /// Believes what proxies in these networks say of a request: the client's address, the host and the scheme. Default: nobody
    /// is believed, `client.address` is the other end of the connection.
    ///
    /// Addresses are read from the right, and each is believed only if the one behind it is in one of the networks; so a client
    /// cannot give itself another address. Of a value that is no address nothing further left is believed.
    ///
    /// # Errors
    ///
    /// If a text is neither a network (`10.0.0.0/8`, `fd00::/8`) nor an address.
    ///
    /// ```
    /// use otelier::http::{ProxyHeader, ServerLayer};
    ///
    /// let layer = ServerLayer::new().with_trusted_proxies(ProxyHeader::XForwardedFor, ["10.0.0.0/8"])?;
    /// assert!(ServerLayer::new().with_trusted_proxies(ProxyHeader::Forwarded, ["the proxy"]).is_err());
    /// # Ok::<(), otelier::http::NotANetwork>(())
    /// ```
    pub fn with_trusted_proxies<T: AsRef<str>>(
        self,
        header: ProxyHeader,
        networks: impl IntoIterator<Item = T>,
    ) -> Result<Self, NotANetwork> {
        let proxies = Proxies::new(header, networks)?;
        Ok(self.set(|settings| settings.proxies = Some(proxies)))
    }

    /// Leaves out `client.address` and `network.peer.*`, which are about persons in some countries.
    #[must_use]
    pub fn without_addresses(self) -> Self {
        self.set(|settings| settings.addresses = false)
    }

    /// Says that clients reach the server by `https`, where neither the URI nor a trusted proxy says it. Default: `http`.
    #[must_use]
    pub fn with_https(self) -> Self {
        self.set(|settings| settings.scheme = "https")
    }

    /// Reads the correlation id of requests, and enters its [`CorrelationContext`](crate::CorrelationContext): every span and
    /// every log line of the request has it, whether or not the trace is recorded, and the answer says it in the same header.
    /// Where none comes in that is acceptable, the settings say whether one is made. Default: ids are not read.
    ///
    /// ```
    /// use otelier::correlation::Settings;
    /// use otelier::http::ServerLayer;
    ///
    /// let layer = ServerLayer::new().with_correlation(Settings::default());
    /// // At the border of the system: no foreign ids.
    /// let layer = ServerLayer::new().with_correlation(Settings::default().with_accept(false));
    /// ```
    #[must_use]
    pub fn with_correlation(self, settings: crate::correlation::Settings) -> Self {
        self.set(|all| all.correlation = Some(settings))
    }

    /// Tells clients the trace id in a header of the answer, whether or not the trace is recorded. Default: they are not told.
    ///
    /// ```
    /// use http::HeaderName;
    /// use otelier::http::ServerLayer;
    ///
    /// let layer = ServerLayer::new().with_trace_id_header(HeaderName::from_static("x-trace-id"));
    /// ```
    #[must_use]
    pub fn with_trace_id_header(self, name: HeaderName) -> Self {
        self.set(|settings| settings.trace_header = Some(TraceHeader::Id(name)))
    }

    /// Tells clients the ids of the span in `traceresponse`, as the draft of W3C Trace Context level 2 has it:
    /// `00-<trace id>-<span id>-<flags>`. Default: they are not told.
    #[must_use]
    pub fn with_traceresponse(self) -> Self {
        self.set(|settings| settings.trace_header = Some(TraceHeader::Response))
    }
}

impl<S, M> Layer<S> for ServerLayer<M> {
    type Service = Server<S, M>;

    fn layer(&self, inner: S) -> Server<S, M> {
        Server::new(inner, Arc::clone(&self.settings))
    }
}
