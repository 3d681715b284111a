//! Which attempts belong to one request.

use ::http::Request;
use opentelemetry::trace::SpanContext;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tower_layer::Layer;
use tower_service::Service;

/// The attempts of one request, as an extension of it: whoever sends the request again with the same extension makes the
/// next attempt, which has `http.request.resend_count` and a link to the one before.
///
/// [`ResendLayer`] puts one into every request; the middleware for reqwest does so by itself.
///
/// ```
/// use otelier::http::Resends;
///
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(Resends::default());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Resends(Arc<Mutex<Made>>);

#[derive(Debug, Default)]
struct Made {
    attempts: u32,
    last: Option<SpanContext>,
}

impl Resends {
    /// How many attempts have begun.
    ///
    /// ```
    /// assert_eq!(otelier::http::Resends::default().attempts(), 0);
    /// ```
    pub fn attempts(&self) -> u32 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).attempts
    }

    /// The next attempt with this span: how many were before it, and the one just before.
    pub(in crate::http) fn next(&self, span: SpanContext) -> (u32, Option<SpanContext>) {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = made.attempts;
        made.attempts = made.attempts.saturating_add(1);
        (before, made.last.replace(span).filter(SpanContext::is_valid))
    }
}

/// A layer to stand outside of one that tries again, such as `tower::retry`, so that a [`ClientLayer`](super::ClientLayer)
/// inside of that knows which attempts belong together.
///
/// ```
/// use otelier::http::{ClientLayer, ResendLayer};
///
/// # fn example<S: Clone>(client: S) {
/// let client = tower::ServiceBuilder::new()
///     .layer(ResendLayer)
///     // .retry(policy)
///     .layer(ClientLayer::new())
///     .service(client);
/// # let _: otelier::http::ResendService<otelier::http::ClientService<S>> = client;
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ResendLayer;

impl<S> Layer<S> for ResendLayer {
    type Service = ResendService<S>;

    fn layer(&self, inner: S) -> ResendService<S> {
        ResendService(inner)
    }
}

/// What [`ResendLayer`] makes of a service.
#[derive(Clone, Debug)]
pub struct ResendService<S>(S);

impl<S: Service<Request<B>>, B> Service<Request<B>> for ResendService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(task)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        if request.extensions().get::<Resends>().is_none() {
            request.extensions_mut().insert(Resends::default());
        }
        self.0.call(request)
    }
}
