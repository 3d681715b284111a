//! Requests that are sent.
