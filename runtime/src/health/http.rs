//! Health over HTTP, whatever the server.

use super::{HealthHandle, Status};
use ::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use ::http::{HeaderValue, Method, Request, Response, StatusCode};

/// The paths that are answered.
pub(super) const PATHS: [&str; 3] = ["/health", "/livez", "/readyz"];

/// Answers a request for `/health`, `/livez` or `/readyz`; see [the module](super#over-http).
///
/// ```
/// use otelier::health;
///
/// let telemetry = otelier::init(otelier::Telemetry::default())?;
/// let request = http::Request::get("/readyz").body(())?;
/// let response = health::respond(&request, &telemetry.health_handle());
/// assert_eq!((response.status().as_u16(), &**response.body()), (200, r#"{"status":"ok"}"#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn respond<B>(request: &Request<B>, handle: &HealthHandle) -> Response<String> {
    respond_to(request.method(), request.uri().path(), handle)
}

pub(super) fn respond_to(method: &Method, path: &str, handle: &HealthHandle) -> Response<String> {
    let known = PATHS.contains(&path);
    let (status, body) = match path {
        _ if !known => (StatusCode::NOT_FOUND, error("expected `/health`, `/livez` or `/readyz`")),
        _ if method != Method::GET && method != Method::HEAD => {
            (StatusCode::METHOD_NOT_ALLOWED, error("expected `GET` or `HEAD`"))
        }
        "/health" => {
            let health = handle.health();
            (code(health.status < Status::Failing), health.to_json())
        }
        "/readyz" if !handle.is_ready() => (code(false), r#"{"status":"stopped"}"#.to_owned()),
        _ => (code(true), r#"{"status":"ok"}"#.to_owned()),
    };
    let length = body.len();
    // The answer to `HEAD` says how long the one to `GET` would be.
    let mut response = Response::new(if method == Method::HEAD { String::new() } else { body });
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if method == Method::HEAD {
        headers.insert(::http::header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}

fn code(is_well: bool) -> StatusCode {
    if is_well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

fn error(expected: &str) -> String {
    format!(r#"{{"error":"{expected}"}}"#)
}
