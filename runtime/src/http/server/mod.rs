//! Requests that are answered.
