//! Health as an axum router.

use super::HealthHandle;
use super::http::{PATHS, respond_to};
use ::axum::Router;
use ::axum::routing::any;
use ::http::Method;

/// A router for `/health`, `/livez` and `/readyz`, which answers as [`respond`](super::respond) does. Merge it into the
/// program's own, or give it a server of its own; under [`nest`](Router::nest) the paths begin with the prefix. Feature
/// `axum`.
///
/// ```
/// use axum::Router;
/// use otelier::health;
///
/// let telemetry = otelier::init(otelier::Telemetry::default())?;
/// let app: Router = Router::new().merge(health::router(telemetry.health_handle()));
/// # Ok::<(), otelier::Error>(())
/// ```
pub fn router<S: Clone + Send + Sync + 'static>(handle: HealthHandle) -> Router<S> {
    PATHS.into_iter().fold(Router::new(), |router, path| {
        let handle = handle.clone();
        // Not `get`: other methods are answered here, too, with the methods that there are.
        router.route(path, any(move |method: Method| std::future::ready(respond_to(&method, path, &handle))))
    })
}
