//! Health as a hyper service.

use super::{HealthHandle, respond};
use ::http::{Request, Response};
use std::convert::Infallible;
use std::future::{Ready, ready};

/// Answers as [`respond`] does. Feature `hyper`.
///
/// ```
/// use hyper::service::Service;
/// use otelier::health::HealthService;
///
/// let telemetry = otelier::init(otelier::Telemetry::default())?;
/// let service = HealthService::new(telemetry.health_handle());
/// // hyper::server::conn::http1::Builder::new().serve_connection(io, service)
/// let response = service.call(http::Request::get("/livez").body(())?).into_inner()?;
/// assert_eq!(response.status(), 200);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct HealthService(HealthHandle);

impl HealthService {
    /// A service that answers for the pipeline of this handle.
    pub fn new(handle: HealthHandle) -> Self {
        Self(handle)
    }
}

impl<B> ::hyper::service::Service<Request<B>> for HealthService {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Response<String>, Infallible>>;

    fn call(&self, request: Request<B>) -> Self::Future {
        ready(Ok(respond(&request, &self.0)))
    }
}
