//! Whose child the span of a request is.

use crate::propagation::{Incoming, incoming};
use ::http::HeaderMap;
use opentelemetry::Context;

/// What a request's span begins in: the current context, with what the process's propagator reads from the headers.
pub(super) fn contexts(headers: &HeaderMap) -> Incoming {
    incoming(Context::current(), headers)
}
