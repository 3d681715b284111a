//! One call, on either side.

use super::known::Known;
use super::settings::Settings;
use super::status::{self, Code};
use crate::http::client::{Recording, class_of, description, inject, keys, without_brackets};
use crate::http::server::parent;
use crate::record::Callsite;
use crate::schema::Kind;
use ::http::header::{CONTENT_TYPE, HOST, HeaderMap};
use ::http::uri::Authority;
use ::http::{Request, Response, StatusCode};
use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Context, KeyValue};
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

keys! {
    System = "rpc.system.name",
    Method = "rpc.method",
    MethodOriginal = "rpc.method_original",
    Status = "rpc.status_code",
    Address = "server.address",
    Port = "server.port",
    PeerAddress = "network.peer.address",
    PeerPort = "network.peer.port",
    HttpStatus = "http.response.status_code",
    ErrorType = "error.type",
    Timeout = "otelier.rpc.timeout",
    Cancelled = "otelier.cancelled",
    CancelledIn = "otelier.http.cancelled_in",
}

static SERVER: Callsite = Callsite { named: true, keys: KEYS, ..Callsite::new("", Kind::Server) };
static CLIENT: Callsite = Callsite { named: true, keys: KEYS, ..Callsite::new("", Kind::Client) };

/// Which side of a call this is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Side {
    Server,
    Client,
}

/// A call whose span is open. Dropped before its end, it was cancelled.
#[derive(Debug)]
pub(in crate::http) struct Rpc {
    recording: Recording,
    settings: Arc<Settings>,
    side: Side,
    /// The path of a call that came in, where it may turn out to be that of no method.
    path: Option<Box<str>>,
    code: Option<Code>,
    deadline: Option<Instant>,
    answered: bool,
    over: bool,
}

/// Whether it is a request of gRPC.
pub(super) fn is_grpc<B>(request: &Request<B>) -> bool {
    let content = request.headers().get(CONTENT_TYPE);
    content.is_some_and(|content| content.as_bytes().starts_with(b"application/grpc"))
}

impl Rpc {
    /// Begins the span of a call that came in.
    pub(super) fn serve<B>(settings: &Arc<Settings>, request: &Request<B>) -> Self {
        let current = crate::bridge::current_context();
        let read = parent::context(request.headers(), settings.correlation.as_ref());
        let parent = match is_same_trace(&read, &current) {
            // A layer further out has read the headers: what is current goes on with the same trace already.
            true => read.with_remote_span_context(current.span().span_context().clone()),
            false => read,
        };
        Self::begin(settings, Side::Server, request, parent)
    }

    /// Begins the span of a call that goes out, and writes the headers.
    pub(super) fn send<B>(settings: &Arc<Settings>, request: &mut Request<B>) -> Self {
        let rpc = Self::begin(settings, Side::Client, request, crate::bridge::current_context());
        let authority = authority(settings, request);
        let host = authority.as_ref().map_or("", |authority| without_brackets(authority.host()));
        if settings.tells(host) {
            inject(rpc.recording.context(), request.headers_mut());
        }
        rpc
    }

    fn begin<B>(settings: &Arc<Settings>, side: Side, request: &Request<B>, parent: Context) -> Self {
        let path = request.uri().path();
        let method = status::method(path);
        let authority = authority(settings, request);
        let (callsite, kind) = match side {
            Side::Server => (&SERVER, Kind::Server),
            Side::Client => (&CLIENT, Kind::Client),
        };
        let host = authority.as_ref().map(|authority| without_brackets(authority.host()));
        let port = authority.as_ref().and_then(Authority::port_u16);
        let recording = Recording::start(callsite, kind, parent, method.unwrap_or("grpc"), || {
            let system = KeyValue::new("rpc.system.name", "grpc");
            let method = KeyValue::new("rpc.method", method.unwrap_or("_OTHER").to_owned());
            let host = host.map(|host| KeyValue::new("server.address", host.to_owned()));
            let port = port.map(|port| KeyValue::new("server.port", i64::from(port)));
            [Some(system), Some(method), host, port].into_iter().flatten().collect()
        });
        let timeout = status::timeout(request.headers());
        let (mut unknown, mut deadline) = (None, None);
        if recording.is_recorded() {
            recording.set(At::System as u16, "grpc");
            recording.set(At::Method as u16, method.unwrap_or("_OTHER"));
            if method.is_none() {
                recording.set(At::MethodOriginal as u16, path);
            } else if side == Side::Server {
                unknown = Some(path.into());
            }
            recording.set(At::Address as u16, host);
            recording.set(At::Port as u16, port);
            recording.set(At::Timeout as u16, timeout.map(|timeout| timeout.as_secs_f64()));
            if let Some(peer) = settings.peer(request.extensions()) {
                recording.set(At::PeerAddress as u16, peer.ip().to_string());
                recording.set(At::PeerPort as u16, peer.port());
            }
            settings.request_metadata.each(request.headers(), |key, values| recording.set_keyed(key, values));
            // The client began to count before this side did, and whether its reset or the deadline comes first is a matter of
            // chance.
            let late = |timeout: Duration| timeout - (timeout / 8).min(Duration::from_millis(100));
            deadline = timeout.and_then(|timeout| Instant::now().checked_add(late(timeout)));
        }
        let settings = Arc::clone(settings);
        Self { recording, settings, side, path: unknown, code: None, deadline, answered: false, over: false }
    }

    pub(in crate::http) fn recording(&self) -> &Recording {
        &self.recording
    }

    /// Whether the answer's body is made on this side, so that what that does belongs to the span.
    pub(in crate::http) fn makes_body(&self) -> bool {
        self.side == Side::Server
    }

    /// Records the answer's head, which has the status where there is no message.
    pub(super) fn answered<B>(&mut self, response: &Response<B>) {
        self.answered = true;
        if !self.recording.is_recorded() {
            return;
        }
        let headers = response.headers();
        self.settings.response_metadata.each(headers, |key, values| self.recording.set_keyed(key, values));
        match Code::of(headers) {
            Some(Code::UNIMPLEMENTED) => {
                self.keep_name(|_, _| false);
                self.ended(Code::UNIMPLEMENTED, headers);
            }
            Some(code) => {
                self.keep_name(if code.is_refusal() { Known::doubtful } else { Known::implemented });
                self.ended(code, headers);
            }
            None if response.status() != StatusCode::OK => {
                self.keep_name(Known::doubtful);
                self.recording.set(At::HttpStatus as u16, response.status().as_u16());
                self.ended(Code::of_http(response.status()), headers);
            }
            None => self.keep_name(Known::implemented),
        }
    }

    /// Takes the method out of the name if `keeps` says no: strangers must not choose the names of spans.
    fn keep_name(&mut self, keeps: impl FnOnce(&Known, &str) -> bool) {
        let Some(path) = self.path.take() else { return };
        if !keeps(&self.settings.known, path.strip_prefix('/').unwrap_or(&path)) {
            self.recording.set(At::Method as u16, "_OTHER");
            self.recording.set(At::MethodOriginal as u16, &*path);
            self.recording.span().into_iter().for_each(|span| span.rename("grpc"));
        }
    }

    /// Records the status at the end of a body.
    pub(in crate::http) fn trailers(&mut self, trailers: &HeaderMap) {
        self.settings.response_metadata.each(trailers, |key, values| self.recording.set_keyed(key, values));
        if let Some(code) = Code::of(trailers) {
            self.ended(code, trailers);
        }
    }

    /// Records a status.
    fn ended(&mut self, code: Code, headers: &HeaderMap) {
        self.code = Some(code);
        let message = self.settings.messages.then(|| status::message(headers)).flatten();
        self.record(code, message.as_deref().unwrap_or_default());
    }

    fn record(&self, code: Code, description: &str) {
        self.recording.set(At::Status as u16, code.name());
        let is_error = match self.side {
            Side::Server => code.is_error_of_server(),
            Side::Client => code.is_error_of_client(),
        };
        if is_error {
            self.recording.set(At::ErrorType as u16, code.name());
            self.recording.fail(description);
        }
    }

    /// The body is complete.
    pub(in crate::http) fn drained(&mut self) {
        if self.code.is_none() && self.side == Side::Client {
            // An answer without a status is broken.
            self.record(Code::UNKNOWN, "the answer has no status");
        }
        self.end();
    }

    /// Records that there will be no answer, or no more of it.
    pub(in crate::http) fn failed(&mut self, error: &(dyn Error + 'static)) {
        self.keep_name(Known::doubtful);
        if self.recording.is_recorded() {
            self.recording.set(At::ErrorType as u16, class_of(error));
            self.recording.fail(&description(error));
        }
        self.end();
    }

    fn end(&mut self) {
        self.over = true;
        self.recording.end();
    }

    /// Whether there is anything to wait for in the body.
    pub(super) fn is_recorded(&self) -> bool {
        self.recording.is_recorded()
    }
}

impl Drop for Rpc {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        self.keep_name(Known::doubtful);
        if self.code.is_none() && self.recording.is_recorded() {
            if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                self.record(Code::DEADLINE_EXCEEDED, "");
            } else {
                // To give up is no error of anybody.
                self.recording.set(At::Status as u16, Code::CANCELLED.name());
            }
            self.recording.set(At::Cancelled as u16, true);
            self.recording.set(At::CancelledIn as u16, if self.answered { "body" } else { "waiting" });
        }
        self.recording.end();
    }
}

fn is_same_trace(remote: &Context, current: &Context) -> bool {
    let (remote, current) = (remote.span(), current.span());
    current.span_context().is_valid() && remote.span_context().trace_id() == current.span_context().trace_id()
}

/// Who is called.
fn authority<B>(settings: &Settings, request: &Request<B>) -> Option<Authority> {
    let of_header = || Authority::try_from(request.headers().get(HOST)?.as_bytes()).ok();
    request.uri().authority().or(settings.server.as_ref()).cloned().or_else(of_header)
}
