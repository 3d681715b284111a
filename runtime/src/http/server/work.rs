//! A request that has a span, until its answer is sent.

use super::attributes::{DISCONNECTED, RESPONSE_CONTENT, RESPONSE_CUT, Site, content_length};
use super::capture::Collected;
use super::parent::tell;
use super::settings::{Settings, TraceHeader};
use crate::attribute::Slot;
use crate::record::{Passing, Served};
use ::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body::SizeHint;
use opentelemetry::trace::SpanContext;
use std::sync::Arc;

/// A request that has a span.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) served: Served,
    pub(super) site: &'static Site,
    pub(super) settings: Arc<Settings>,
    has: Bodies,
}

/// A request whose span is not recorded.
#[derive(Debug)]
pub(super) struct Passed {
    pub(super) span: Passing,
    /// What tells the client its trace or its correlation id, if anything does.
    pub(super) told: Option<Arc<Settings>>,
    pub(super) has: Bodies,
}

/// Which answers to a request have no body, whatever their headers say.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bodies {
    /// To `HEAD`.
    Never,
    /// To `CONNECT`.
    UnlessItSucceeds,
    /// To everything else.
    ByStatus,
}

impl Bodies {
    pub(super) fn of(method: &Method) -> Self {
        match *method {
            Method::HEAD => Self::Never,
            Method::CONNECT => Self::UnlessItSucceeds,
            _ => Self::ByStatus,
        }
    }

    /// Whether an answer with this status has none.
    fn is_without(self, status: StatusCode) -> bool {
        status.is_informational()
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
            || match self {
                Self::Never => true,
                Self::UnlessItSucceeds => status.is_success(),
                Self::ByStatus => false,
            }
    }
}

impl Passed {
    /// What the head of the answer says; and the span, if the answer has a body during which it goes on.
    pub(super) fn answered(
        self,
        status: StatusCode,
        headers: &mut HeaderMap,
        is_over: bool,
        size: &SizeHint,
    ) -> Option<Passing> {
        if let Some(wanted) = self.told.as_ref().and_then(|told| told.trace_header.as_ref()) {
            wanted.insert(&self.span.span_context(), headers);
        }
        if let Some(settings) = self.told.as_ref().and_then(|told| told.correlation.as_ref()) {
            tell(self.span.context(), settings, headers);
        }
        let is_over = is_over || size.exact() == Some(0) || self.has.is_without(status);
        (!is_over).then_some(self.span)
    }
}

/// A body that is being sent.
#[derive(Debug)]
pub(super) struct Sending {
    pub(super) work: Work,
    pub(super) sent: u64,
    /// How long the body is, if that is known from the beginning.
    length: Option<u64>,
    pub(super) collected: Option<Box<Collected>>,
}

impl Work {
    pub(super) fn new(served: Served, site: &'static Site, method: &Method, settings: Arc<Settings>) -> Self {
        Self { served, site, settings, has: Bodies::of(method) }
    }

    fn int(&self, index: u16, number: i64) {
        Slot::new(self.served.span(), index).int(number);
    }

    /// What the head of the answer says.
    pub(super) fn answered(&self, status: StatusCode, headers: &mut HeaderMap) {
        if let Some(wanted) = &self.settings.trace_header {
            wanted.insert(&self.served.span_context(), headers);
        }
        if let Some(settings) = &self.settings.correlation {
            tell(self.served.context(), settings, headers);
        }
        self.int(self.site.status, i64::from(status.as_u16()));
        if status.is_server_error() {
            Slot::new(self.served.span(), self.site.error).str(status.as_str());
            self.served.span().fail_silently();
        }
        for wanted in &self.settings.response_headers {
            wanted.record(headers, |key, values| self.served.span().attribute(key, values));
        }
    }

    /// The service, or the body of the answer, failed with an error of this type.
    #[cold]
    pub(super) fn failed(&self, type_name: &'static str) {
        Slot::new(self.served.span(), self.site.error).str(type_name);
        self.served.span().fail_silently();
    }

    /// Goes on while the body is sent; ends at once if there is none.
    pub(super) fn send(
        self,
        status: StatusCode,
        headers: &HeaderMap,
        is_over: bool,
        size: SizeHint,
    ) -> Option<Sending> {
        let is_bodiless = self.has.is_without(status);
        if is_bodiless || is_over || size.exact() == Some(0) {
            if !is_bodiless {
                self.int(self.site.response_size, 0);
            }
            self.served.end();
            return None;
        }
        let length = size.exact().or_else(|| content_length(headers).and_then(|length| u64::try_from(length).ok()));
        let collected = self.settings.response_capture.as_ref().and_then(|capture| capture.collect(headers));
        Some(Sending { work: self, sent: 0, length, collected })
    }

    /// The client went away before there was an answer, or whoever polls gave up.
    pub(super) fn cancelled(self) {
        self.served.span().attribute(DISCONNECTED, "before_response");
        self.served.end_cancelled();
    }
}

impl Sending {
    fn last_words(&mut self, is_whole: bool) {
        let work = &self.work;
        work.int(work.site.response_size, i64::try_from(self.sent).unwrap_or(i64::MAX));
        if let Some((text, is_cut)) = self.collected.take().and_then(|collected| collected.finish(is_whole)) {
            work.served.span().attribute(RESPONSE_CONTENT, &*text);
            if is_cut {
                work.served.span().attribute(RESPONSE_CUT, &true);
            }
        }
    }

    /// The body was sent.
    pub(super) fn end(mut self) {
        self.last_words(true);
        self.work.served.end();
    }

    /// The body failed.
    #[cold]
    pub(super) fn failed(mut self, type_name: &'static str) {
        self.work.failed(type_name);
        self.last_words(false);
        self.work.served.end();
    }

    /// The body was dropped. A server does not look for the end of one whose length it knows.
    pub(super) fn dropped(mut self) {
        if self.length.is_some_and(|length| self.sent >= length) {
            return self.end();
        }
        self.last_words(false);
        self.work.served.span().attribute(DISCONNECTED, "response_body");
        self.work.served.end_cancelled();
    }
}

impl TraceHeader {
    fn insert(&self, span: &SpanContext, headers: &mut HeaderMap) {
        if !span.is_valid() {
            return;
        }
        let (name, text) = match self {
            Self::Id(name) => (name.clone(), span.trace_id().to_string()),
            Self::Response => {
                let (trace, span_id, flags) = (span.trace_id(), span.span_id(), span.trace_flags().to_u8());
                (HeaderName::from_static("traceresponse"), format!("00-{trace}-{span_id}-{flags:02x}"))
            }
        };
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(name, value);
        }
    }
}
