//! The service around the one that answers.

use super::attributes::{Begins, name};
use super::future::{ResponseFuture, State};
use super::mode::Mode;
use super::parent::contexts;
use super::response_body::ResponseBody;
use super::settings::{RequestHead, Settings};
use super::work::Work;
use crate::record::{Served, enabled, serving};
use ::http::{Request, Response};
use http_body::Body;
use opentelemetry::trace::TraceContextExt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower_service::Service;

/// A service whose requests have spans; made by [`ServerLayer`](super::ServerLayer).
#[derive(Debug)]
pub struct Server<S, M> {
    inner: S,
    settings: Arc<Settings>,
    mode: PhantomData<fn() -> M>,
}

impl<S: Clone, M> Clone for Server<S, M> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), settings: Arc::clone(&self.settings), mode: PhantomData }
    }
}

impl<S, M> Server<S, M> {
    pub(super) fn new(inner: S, settings: Arc<Settings>) -> Self {
        Self { inner, settings, mode: PhantomData }
    }

    /// What becomes of a request.
    #[inline(never)]
    fn begin(settings: &Arc<Settings>, head: RequestHead<'_>) -> State {
        if settings.excludes(&head) {
            return State::Suppressed;
        }
        let context = contexts(head.headers, settings.correlation.as_ref());
        // Where there is no span, what the request says of correlation holds all the same.
        let without_span = |context| {
            if settings.correlation.is_some() { State::Within(context, Arc::clone(settings)) } else { State::Quiet }
        };
        if !enabled() {
            return without_span(context);
        }
        let told = settings.route.as_ref().and_then(|route| route(&head));
        let route = told.as_deref().or_else(|| head.route());
        let parent = context.span();
        let parent = parent.span_context();
        // Another layer further out has begun the span of this request, and perhaps did not know its route.
        if let Some(span) = serving(Some(parent).filter(|parent| parent.is_valid() && parent.is_remote())) {
            if let Some(route) = route {
                span.attribute("http.route", &route);
                span.rename(&name(&head, Some(route)));
            }
            return without_span(context);
        }
        let begins = Begins::new(head, route, settings);
        let Some(served) = Served::begin(&begins.site.callsite, &context, &begins) else {
            return without_span(context);
        };
        if served.is_recording() {
            if let Some(name) = begins.other_name() {
                served.span().rename(&name);
            }
            for wanted in &settings.request_headers {
                wanted.record(head.headers, |key, values| served.span().attribute(key, values));
            }
        }
        State::Open(Work::new(served, begins.site, head.method, Arc::clone(settings)))
    }
}

impl<S, M, B, R> Service<Request<B>> for Server<S, M>
where
    M: Mode,
    S: Service<Request<M::Body<B>>, Response = Response<R>>,
    R: Body,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(task)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if !enabled() && self.settings.correlation.is_none() {
            return ResponseFuture::new(self.inner.call(request.map(|body| M::wrap(body, None))), State::Quiet);
        }
        let state = Self::begin(&self.settings, RequestHead::of(&request));
        let request = match &state {
            State::Open(work) if work.served.is_recording() => {
                let (parts, body) = request.into_parts();
                let reading = M::READS.then(|| super::mode::Reading::new(work, &parts.headers));
                Request::from_parts(parts, M::wrap(body, reading))
            }
            _ => request.map(|body| M::wrap(body, None)),
        };
        // A service may do its work here, and not in the future.
        let within = state.enter();
        let future = self.inner.call(request);
        within.leave();
        ResponseFuture::new(future, state)
    }
}
