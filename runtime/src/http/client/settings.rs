//! What a client records, and whom it tells about the trace.

use super::exchange::{Exchanges, of_host};
use crate::http::headers::Chosen;
use ::http::{Method, Uri};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// The path template of a request, such as `/api/v3/klines` or `/users/{id}`, as an extension of it: `url.template`, and
/// part of the span's name. It must not hold values, because names of spans have to be few.
///
/// ```
/// use otelier::http::UrlTemplate;
///
/// let mut request = http::Request::get("https://example.org/users/7").body(())?;
/// request.extensions_mut().insert(UrlTemplate("/users/{id}"));
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct UrlTemplate(pub &'static str);

/// How much of a URL stands in `url.full`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlDetail {
    /// All of it but what proves who asks: user and password, and the values of parameters that are known to be secret, are
    /// replaced by `REDACTED`.
    #[default]
    Redacted,
    /// The same without the query.
    WithoutQuery,
    /// `url.full` is not recorded.
    Nothing,
}

/// Says of a host whether it is told of the trace.
pub(in crate::http) type Tells = dyn Fn(&str) -> bool + Send + Sync;

type Template = dyn Fn(&Method, &Uri) -> Option<Cow<'static, str>> + Send + Sync;

#[derive(Clone)]
pub(in crate::http) struct Settings {
    template: Option<Arc<Template>>,
    propagate: Option<Arc<Tells>>,
    pub(in crate::http) request_headers: Chosen,
    pub(in crate::http) response_headers: Chosen,
    pub(in crate::http) url: UrlDetail,
    pub(in crate::http) exchanges: Exchanges,
    pub(in crate::http) market_data: bool,
    pub(in crate::http) rate_limits: bool,
    pub(in crate::http) body: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            template: None,
            propagate: None,
            request_headers: Chosen::default(),
            response_headers: Chosen::default(),
            url: UrlDetail::default(),
            exchanges: Exchanges::new(),
            market_data: false,
            rate_limits: true,
            body: true,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("request_headers", &self.request_headers)
            .field("response_headers", &self.response_headers)
            .field("url", &self.url)
            .field("exchanges", &self.exchanges)
            .field("market_data", &self.market_data)
            .field("rate_limits", &self.rate_limits)
            .finish_non_exhaustive()
    }
}

impl Settings {
    pub(in crate::http) fn set_template(&mut self, template: Arc<Template>) {
        self.template = Some(template);
    }

    pub(in crate::http) fn set_propagation(&mut self, to: Arc<Tells>) {
        self.propagate = Some(to);
    }

    pub(in crate::http) fn template(&self, method: &Method, uri: &Uri) -> Option<Cow<'static, str>> {
        self.template.as_ref().and_then(|template| template(method, uri))
    }

    #[cfg(feature = "reqwest")]
    pub(in crate::http) fn has_template(&self) -> bool {
        self.template.is_some()
    }

    /// Whether this host gets the headers of the trace.
    pub(in crate::http) fn tells(&self, host: &str) -> bool {
        match &self.propagate {
            Some(to) => to(&plain_host(host)),
            None => of_host(host).is_none(),
        }
    }
}

/// A host as it is compared: a name in capitals, or with a dot at its end, is the same name.
pub(in crate::http) fn plain_host(host: &str) -> Cow<'_, str> {
    let host = host.strip_suffix('.').unwrap_or(host);
    match host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(host.to_ascii_lowercase()),
        false => Cow::Borrowed(host),
    }
}

/// The settings that clients of every kind have.
macro_rules! client_settings {
    ($field:ident) => {
        /// Finds the path template of requests that have no [`UrlTemplate`](crate::http::UrlTemplate). Default: there is
        /// none, and the span's name is the method alone.
        ///
        /// It is asked for every request, before anybody knows whether that is recorded.
        pub fn with_url_template(
            mut self,
            template: impl Fn(&::http::Method, &::http::Uri) -> Option<std::borrow::Cow<'static, str>>
            + Send
            + Sync
            + 'static,
        ) -> Self {
            std::sync::Arc::make_mut(&mut self.$field).set_template(std::sync::Arc::new(template));
            self
        }

        /// Says which hosts get the headers of the trace and its baggage. Default: every host but those of
        /// [exchanges that are known](crate::http::exchange::of_host), which do not go on with anybody's trace, and to which
        /// baggage is nobody's business.
        ///
        /// The function gets the name in small letters and without a dot at its end, an address without brackets, and never a
        /// port; an empty text where the request names no host.
        pub fn with_propagation_to(mut self, host: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
            std::sync::Arc::make_mut(&mut self.$field).set_propagation(std::sync::Arc::new(host));
            self
        }

        /// Records these headers of requests, as `http.request.header.<name>`. Default: none.
        ///
        /// Of a header that proves who sends it, and of a value that is marked as sensitive, only `REDACTED` is recorded, by
        /// the rule of [`ServerLayer`](crate::http::ServerLayer::with_request_headers). What is no name of a header is left
        /// out, and a [diagnostic](crate::diagnostics) says so.
        pub fn with_request_headers(mut self, names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
            let chosen = crate::http::headers::Chosen::new("http.request.header.", names);
            std::sync::Arc::make_mut(&mut self.$field).request_headers = chosen;
            self
        }

        /// Records these headers of answers, as `http.response.header.<name>`, by the same rule. Default: none.
        pub fn with_response_headers(mut self, names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
            let chosen = crate::http::headers::Chosen::new("http.response.header.", names);
            std::sync::Arc::make_mut(&mut self.$field).response_headers = chosen;
            self
        }

        /// Says how much of the URL is recorded. Default: [`UrlDetail::Redacted`](crate::http::UrlDetail::Redacted).
        pub fn with_url(mut self, detail: crate::http::UrlDetail) -> Self {
            std::sync::Arc::make_mut(&mut self.$field).url = detail;
            self
        }

        /// Says which hosts are exchanges; their spans have `crypto.market`. Default: those
        /// [that are known](crate::http::exchange::of_host).
        pub fn with_exchanges(mut self, exchanges: crate::http::exchange::Exchanges) -> Self {
            std::sync::Arc::make_mut(&mut self.$field).exchanges = exchanges;
            self
        }

        /// Records `crypto.symbol` and `crypto.timeframe` from the query of requests to exchanges. Default: no.
        pub fn with_market_data(mut self, recorded: bool) -> Self {
            std::sync::Arc::make_mut(&mut self.$field).market_data = recorded;
            self
        }

        /// Whether answers are searched for limits, for [`RateLimits`](crate::http::RateLimits) and as attributes. Default:
        /// yes.
        pub fn with_rate_limits(mut self, read: bool) -> Self {
            std::sync::Arc::make_mut(&mut self.$field).rate_limits = read;
            self
        }

        /// Whether the span lasts until the answer's body has been read or dropped. Default: yes; otherwise it ends with the
        /// headers of the answer, and there is no `http.response.body.size` unless they say it.
        pub fn with_body(mut self, within: bool) -> Self {
            std::sync::Arc::make_mut(&mut self.$field).body = within;
            self
        }
    };
}
pub(in crate::http) use client_settings;
