//! One request that is sent, and what becomes of it.

use super::super::{url, words};
use super::exchange::{self, Market, RateLimits};
use super::failure::{class_of, description};
use super::inject::inject;
use super::recording::{Recording, keys};
use super::resend::Resends;
use super::settings::{Settings, UrlDetail};
use crate::attribute::EnumAttribute;
use crate::record::Callsite;
use crate::schema::Kind;
use crate::schema::crypto::Timeframe;
use ::http::header::{CONTENT_LENGTH, HeaderMap};
use ::http::uri::Authority;
use ::http::{Method, StatusCode, Version};
use opentelemetry::KeyValue;
use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;
use std::time::SystemTime;

keys! {
    Method = "http.request.method",
    MethodOriginal = "http.request.method_original",
    Address = "server.address",
    Port = "server.port",
    Url = "url.full",
    Template = "url.template",
    ResendCount = "http.request.resend_count",
    RequestSize = "http.request.body.size",
    ResponseSize = "http.response.body.size",
    Status = "http.response.status_code",
    Version = "network.protocol.version",
    ErrorType = "error.type",
    Cancelled = "otelier.cancelled",
    CancelledIn = "otelier.http.cancelled_in",
    Market = "crypto.market",
    Operation = "crypto.operation_type",
    Symbol = "crypto.symbol",
    Timeframe = "crypto.timeframe",
    Limit = "crypto.rate_limit.limit",
    Used = "crypto.rate_limit.used_weight",
    Orders = "crypto.rate_limit.order_count",
    RetryAfter = "crypto.retry_after",
}

static CALL: Callsite = Callsite { named: true, keys: KEYS, ..Callsite::new("", Kind::Client) };

/// A request, as far as it is recorded.
pub(in crate::http) struct Outgoing<'a> {
    pub(in crate::http) method: &'a Method,
    pub(in crate::http) scheme: Option<&'a str>,
    /// Host and port; also who asks, which is not shown.
    pub(in crate::http) authority: Option<Authority>,
    pub(in crate::http) path: &'a str,
    pub(in crate::http) query: Option<&'a str>,
    pub(in crate::http) template: Option<Cow<'static, str>>,
    pub(in crate::http) headers: &'a mut HeaderMap,
    pub(in crate::http) body_size: Option<u64>,
    pub(in crate::http) resends: Option<&'a Resends>,
}

impl Outgoing<'_> {
    fn host(&self) -> &str {
        self.authority.as_ref().map_or("", |authority| without_brackets(authority.host()))
    }

    fn port(&self) -> Option<u16> {
        let told = self.authority.as_ref().and_then(Authority::port_u16);
        told.or_else(|| match self.scheme? {
            "https" | "wss" => Some(443),
            "http" | "ws" => Some(80),
            _ => None,
        })
    }

    fn url(&self, detail: UrlDetail) -> Option<String> {
        let query = self.query.filter(|_| detail == UrlDetail::Redacted);
        let (scheme, authority) = self.scheme.zip(self.authority.as_ref())?;
        (detail != UrlDetail::Nothing).then(|| url::full(scheme, authority.as_str(), self.path, query))
    }
}

/// An address of IPv6 has brackets in a URL only.
pub(in crate::http) fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// A request on its way. Dropped before [`Call::end`], it was cancelled.
#[derive(Debug)]
pub(in crate::http) struct Call {
    recording: Recording,
    settings: Arc<Settings>,
    authority: Option<Authority>,
    template: Option<Cow<'static, str>>,
    market: Option<Market>,
    phase: Phase,
    received: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Waiting,
    Reading,
    Over,
}

impl Call {
    /// Begins the span, and writes the headers.
    pub(in crate::http) fn begin(settings: &Arc<Settings>, mut out: Outgoing<'_>) -> Self {
        let (method, original) = words::method(out.method);
        let shown = if original.is_some() { "HTTP" } else { method };
        let name = match &out.template {
            Some(template) => Cow::Owned(format!("{shown} {template}")),
            None => Cow::Borrowed(shown),
        };
        let parent = crate::bridge::current_context();
        let recording = Recording::start(&CALL, Kind::Client, parent, &name, || {
            let text = |key: &'static str, text: Option<String>| text.map(|text| KeyValue::new(key, text));
            [
                Some(KeyValue::new("http.request.method", method)),
                text("server.address", out.authority.is_some().then(|| out.host().to_owned())),
                out.port().map(|port| KeyValue::new("server.port", i64::from(port))),
                text("url.full", out.url(settings.url)),
                text("url.template", out.template.as_deref().map(str::to_owned)),
            ]
            .into_iter()
            .flatten()
            .collect()
        });
        let market = settings.exchanges.market(out.host());
        if recording.is_recorded() {
            request(&recording, settings, &out, (method, original), market.as_ref());
        }
        if let Some(resends) = out.resends {
            resent(&recording, resends);
        }
        if settings.tells(out.host()) {
            inject(recording.context(), out.headers);
        }
        let (authority, template) = (out.authority.take(), out.template.take());
        let settings = Arc::clone(settings);
        Self { recording, settings, authority, template, market, phase: Phase::Waiting, received: 0 }
    }

    pub(in crate::http) fn recording(&self) -> &Recording {
        &self.recording
    }

    /// Whether the span goes on while the answer's body is read.
    pub(in crate::http) fn reads_body(&self) -> bool {
        self.settings.body && self.recording.is_recorded()
    }

    /// Records the answer's head.
    pub(in crate::http) fn answered(&mut self, status: StatusCode, version: Version, headers: &HeaderMap) {
        self.phase = Phase::Reading;
        if self.settings.rate_limits {
            self.limits(status, headers);
        }
        if !self.recording.is_recorded() {
            return;
        }
        let recording = &self.recording;
        recording.set(At::Status as u16, status.as_u16());
        if let Some(version) = words::version(version) {
            recording.set(At::Version as u16, version);
        }
        self.settings.response_headers.each(headers, |key, values| recording.set_keyed(key, values));
        if status.is_client_error() || status.is_server_error() {
            recording.set(At::ErrorType as u16, status.as_str());
            recording.fail("");
        }
        if !self.settings.body {
            let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
            recording.set(At::ResponseSize as u16, length);
        }
    }

    fn limits(&self, status: StatusCode, headers: &HeaderMap) {
        let now = SystemTime::now();
        let reading = exchange::read(status.as_u16(), headers, now);
        let host = self.authority.as_ref().map_or("", |authority| without_brackets(authority.host()));
        let is_refused = matches!(status.as_u16(), 418 | 429);
        if host.is_empty() || reading.is_empty() && !is_refused {
            return;
        }
        let market = self.market.as_ref().map(Market::name);
        let limit = if reading.is_empty() { None } else { RateLimits::note(host, market, &reading, now) };
        let recording = &self.recording;
        if !recording.is_recorded() {
            return;
        }
        let after = reading.retry_after.map(|after| after.as_secs_f64());
        if market.is_some() {
            recording.set(At::Limit as u16, limit);
            recording.set(At::Used as u16, reading.used);
            recording.set(At::Orders as u16, reading.orders);
            recording.set(At::RetryAfter as u16, after);
        }
        if status == StatusCode::TOO_MANY_REQUESTS || market.is_some() && is_refused {
            let template = self.template.as_deref().map(str::to_owned);
            let status = KeyValue::new("http.response.status_code", i64::from(status.as_u16()));
            let template = template.map(|template| KeyValue::new("url.template", template));
            let number = |key, number: Option<u64>| {
                number.and_then(|number| i64::try_from(number).ok()).map(|number| KeyValue::new(key, number))
            };
            let attributes = match market {
                Some(market) => [
                    Some(KeyValue::new("crypto.market", market.to_owned())),
                    after.map(|after| KeyValue::new("crypto.retry_after", after)),
                    number("crypto.rate_limit.used_weight", reading.used),
                    number("crypto.rate_limit.limit", limit),
                ],
                None => [
                    Some(KeyValue::new("server.address", host.to_owned())),
                    after.map(|after| KeyValue::new("retry.delay", after)),
                    None,
                    None,
                ],
            };
            let name = if market.is_some() { "crypto.rate_limited" } else { "http.rate_limited" };
            let attributes: Vec<_> = attributes.into_iter().chain([Some(status), template]).flatten().collect();
            recording.event(name, &attributes);
        }
    }

    /// A part of the answer's body has come.
    pub(in crate::http) fn received(&mut self, bytes: u64) {
        self.received = self.received.saturating_add(bytes);
    }

    /// Records that there will be no answer, or no more of it.
    pub(in crate::http) fn failed(&mut self, error: &(dyn Error + 'static)) {
        if self.recording.is_recorded() {
            self.failed_with(class_of(error), &description(error));
        } else {
            self.end();
        }
    }

    /// The same where more is known than the error says.
    pub(in crate::http) fn failed_with(&mut self, class: &str, description: &str) {
        self.recording.set(At::ErrorType as u16, class);
        self.recording.fail(description);
        self.end();
    }

    /// The body is complete.
    pub(in crate::http) fn drained(&mut self) {
        self.recording.set(At::ResponseSize as u16, self.received);
        self.end();
    }

    /// Ends the span.
    pub(in crate::http) fn end(&mut self) {
        self.phase = Phase::Over;
        self.recording.end();
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let phase = match self.phase {
            Phase::Over => return,
            Phase::Waiting => "waiting",
            Phase::Reading => "body",
        };
        self.recording.set(At::Cancelled as u16, true);
        self.recording.set(At::CancelledIn as u16, phase);
        self.recording.end();
    }
}

fn request(
    recording: &Recording,
    settings: &Settings,
    out: &Outgoing<'_>,
    (method, original): (&'static str, Option<&str>),
    market: Option<&Market>,
) {
    recording.set(At::Method as u16, method);
    recording.set(At::MethodOriginal as u16, original);
    if out.authority.is_some() {
        recording.set(At::Address as u16, out.host());
    }
    recording.set(At::Port as u16, out.port());
    recording.set(At::Url as u16, out.url(settings.url));
    recording.set(At::Template as u16, out.template.as_deref());
    recording.set(At::RequestSize as u16, out.body_size.filter(|size| *size > 0));
    if let Some(market) = market {
        recording.set(At::Market as u16, market.name());
        recording.set(At::Operation as u16, "api_call");
        if let Some(query) = out.query.filter(|_| settings.market_data) {
            let (symbol, interval) = exchange::symbol_and_interval(query);
            recording.set(At::Symbol as u16, symbol);
            let is_known = |interval: &&str| Timeframe::VALUES.contains(interval);
            recording.set(At::Timeframe as u16, interval.filter(is_known));
        }
    }
    settings.request_headers.each(out.headers, |key, values| recording.set_keyed(key, values));
}

/// Says which attempt this is.
fn resent(recording: &Recording, resends: &Resends) {
    let (before, last) = resends.next(recording.span_context());
    if before > 0 && recording.is_recorded() {
        recording.set(At::ResendCount as u16, before);
        if let (Some(last), Some(span)) = (last, recording.span()) {
            span.link(&last, &[KeyValue::new("otelier.link.type", "previous_attempt")]);
        }
    }
}
