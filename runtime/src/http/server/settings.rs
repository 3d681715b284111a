//! What a [`ServerLayer`](super::ServerLayer) is told.

use super::capture::Capture;
use super::forwarded::Proxies;
use super::headers::Wanted;
use crate::correlation;
use ::http::{Extensions, HeaderMap, HeaderName, Method, Uri, Version};
use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

/// What is known of a request before its body is read, for the functions that a [`ServerLayer`](super::ServerLayer) is given.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RequestHead<'a> {
    /// The method.
    pub method: &'a Method,
    /// The URI as the service sees it; inside of a nested axum router without the prefix.
    pub uri: &'a Uri,
    /// The version of HTTP.
    pub version: Version,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The extensions.
    pub extensions: &'a Extensions,
}

impl<'a> RequestHead<'a> {
    pub(super) fn of<B>(request: &'a ::http::Request<B>) -> Self {
        Self {
            method: request.method(),
            uri: request.uri(),
            version: request.version(),
            headers: request.headers(),
            extensions: request.extensions(),
        }
    }

    /// The other end of the connection.
    pub(super) fn peer(&self) -> Option<SocketAddr> {
        #[cfg(feature = "axum")]
        if let Some(axum::extract::ConnectInfo(peer)) = self.extensions.get() {
            return Some(*peer);
        }
        self.extensions.get().map(|Peer(peer)| *peer)
    }

    /// The route that took the request.
    pub(super) fn route(&self) -> Option<&'a str> {
        #[cfg(feature = "axum")]
        {
            self.extensions.get::<axum::extract::MatchedPath>().map(axum::extract::MatchedPath::as_str)
        }
        #[cfg(not(feature = "axum"))]
        {
            None
        }
    }

    /// The URI as it came.
    pub(super) fn whole_uri(&self) -> &'a Uri {
        #[cfg(feature = "axum")]
        if let Some(axum::extract::OriginalUri(uri)) = self.extensions.get() {
            return uri;
        }
        self.uri
    }
}

/// The other end of a connection. Put it into the extensions of requests whose server has no
/// `ConnectInfo` of axum's; see [`with_peer`](super::ServerLayer::with_peer).
///
/// ```
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(otelier::http::Peer("203.0.113.7:4711".parse()?));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// What the header says that tells a client its trace.
#[derive(Clone, Debug)]
pub(super) enum TraceHeader {
    /// The trace id alone.
    Id(HeaderName),
    /// `traceresponse`.
    Response,
}

pub(super) type Filter = Arc<dyn Fn(&RequestHead<'_>) -> bool + Send + Sync>;
pub(super) type Route = Arc<dyn Fn(&RequestHead<'_>) -> Option<Cow<'static, str>> + Send + Sync>;
pub(super) type FindPeer = Arc<dyn Fn(&RequestHead<'_>) -> Option<SocketAddr> + Send + Sync>;

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) scheme: &'static str,
    pub(super) addresses: bool,
    pub(super) proxies: Option<Proxies>,
    pub(super) request_headers: Vec<Wanted>,
    pub(super) response_headers: Vec<Wanted>,
    pub(super) request_capture: Option<Arc<Capture>>,
    pub(super) response_capture: Option<Arc<Capture>>,
    pub(super) excluded: Vec<Excluded>,
    pub(super) filter: Option<Filter>,
    pub(super) route: Option<Route>,
    pub(super) peer: Option<FindPeer>,
    pub(super) trace_header: Option<TraceHeader>,
    pub(super) correlation: Option<correlation::Settings>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            scheme: "http",
            addresses: true,
            proxies: None,
            request_headers: Vec::new(),
            response_headers: Vec::new(),
            request_capture: None,
            response_capture: None,
            excluded: Vec::new(),
            filter: None,
            route: None,
            peer: None,
            trace_header: None,
            correlation: None,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("scheme", &self.scheme)
            .field("addresses", &self.addresses)
            .field("proxies", &self.proxies)
            .field("request_headers", &self.request_headers)
            .field("response_headers", &self.response_headers)
            .field("request_capture", &self.request_capture)
            .field("response_capture", &self.response_capture)
            .field("excluded", &self.excluded)
            .field("trace_header", &self.trace_header)
            .field("correlation", &self.correlation)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// Whether answers say something of the trace or of correlation.
    pub(super) fn tells(&self) -> bool {
        self.trace_header.is_some() || self.correlation.is_some()
    }

    /// Whether the request gets no span.
    pub(super) fn excludes(&self, head: &RequestHead<'_>) -> bool {
        if self.excluded.is_empty() && self.filter.is_none() {
            return false;
        }
        let path = head.whole_uri().path();
        self.excluded.iter().any(|excluded| excluded.holds(path))
            || self.filter.as_ref().is_some_and(|filter| !filter(head))
    }
}

/// A path, or with `/*` at its end everything below one.
#[derive(Clone, Debug)]
pub(super) struct Excluded(pub(super) Cow<'static, str>);

impl Excluded {
    fn holds(&self, path: &str) -> bool {
        match self.0.strip_suffix("/*") {
            None => path == self.0,
            Some(above) => path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_excluded_alone_or_with_everything_below() {
        let holds = |pattern: &'static str, path| Excluded(pattern.into()).holds(path);
        assert!(holds("/health", "/health") && !holds("/health", "/health/live") && !holds("/health", "/healthy"));
        assert!(holds("/static/*", "/static/a/b") && holds("/static/*", "/static") && !holds("/static/*", "/statics"));
        assert!(holds("/*", "/anything"));
    }
}
