//! Spans for HTTP: requests that a server answers and a client sends.

pub mod client;
pub mod server;
mod url;
mod words;

pub use server::{Capture, NotANetwork, Peer, ProxyHeader, RequestHead, ServerLayer};
