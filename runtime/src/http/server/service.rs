//! The service around the one that answers.

use super::attributes::{Begins, name};
use super::future::{ResponseFuture, State};
use super::mode::Mode;
use super::parent::contexts;
use super::response_body::ResponseBody;
use super::settings::{RequestHead, Settings};
use super::work::{Bodies, Passed, Work};
use crate::propagation::Incoming;
use crate::record::{Begun, enabled, serving};
use ::http::{Request, Response};
use http_body::Body;
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
        let incoming = contexts(head.headers, settings.correlation.as_ref());
        // Where there is no span, what the request says of correlation holds all the same.
        let without_span = |incoming: Incoming| {
            if settings.correlation.is_some() {
                State::Within(incoming.context, Arc::clone(settings))
            } else {
                State::Quiet
            }
        };
        if !enabled() {
            return without_span(incoming);
        }
        let told = settings.route.as_ref().and_then(|route| route(&head));
        let route = told.as_deref().or_else(|| head.route());
        // Another layer further out has begun the span of this request, and perhaps did not know its route.
        let known =
            incoming.parent(|parent| serving(Some(parent).filter(|parent| parent.is_valid() && parent.is_remote())));
        if let Some(span) = known {
            if let Some((span, route)) = span.zip(route) {
                span.attribute("http.route", &route);
                span.rename(&name(&head, Some(route)));
            }
            return without_span(incoming);
        }
        let begins = Begins::new(head, route, settings);
        let Incoming { context, sender } = &incoming;
        let served = match Begun::begin(&begins.site.callsite, context, sender.as_ref(), &begins) {
            Begun::Nothing => return without_span(incoming),
            Begun::Passing(span) => {
                let told = settings.tells().then(|| Arc::clone(settings));
                return State::Passing(Passed { span, told, has: Bodies::of(head.method) });
            }
            Begun::Open(served) => served,
        };
        if let Some(name) = begins.other_name() {
            served.span().rename(&name);
        }
        for wanted in &settings.request_headers {
            wanted.record(head.headers, |key, values| served.span().attribute(key, values));
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
            return ResponseFuture::new(self.inner.call(M::wrap(request, None)), State::Quiet);
        }
        let state = Self::begin(&self.settings, RequestHead::of(&request));
        let reading = match &state {
            State::Open(work) if M::READS => Some(super::mode::Reading::new(work, request.headers())),
            _ => None,
        };
        let request = M::wrap(request, reading);
        // A service may do its work here, and not in the future.
        let within = state.enter();
        let future = self.inner.call(request);
        within.leave();
        ResponseFuture::new(future, state)
    }
}
