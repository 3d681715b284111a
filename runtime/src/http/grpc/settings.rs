//! What is recorded of calls.

use super::known::Known;
use crate::http::client::{Tells, plain_host};
use crate::http::exchange::of_host;
use crate::http::headers::Chosen;
use ::http::Extensions;
use ::http::uri::Authority;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

type Peer = dyn Fn(&Extensions) -> Option<SocketAddr> + Send + Sync;

#[derive(Clone, Default)]
pub(in crate::http) struct Settings {
    pub(super) request_metadata: Chosen,
    pub(super) response_metadata: Chosen,
    pub(super) messages: bool,
    pub(super) server: Option<Authority>,
    pub(super) correlation: Option<crate::correlation::Settings>,
    pub(super) known: Arc<Known>,
    propagate: Option<Arc<Tells>>,
    peer: Option<Arc<Peer>>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("request_metadata", &self.request_metadata)
            .field("response_metadata", &self.response_metadata)
            .field("messages", &self.messages)
            .finish_non_exhaustive()
    }
}

impl Settings {
    pub(super) fn set_propagation(&mut self, to: Arc<Tells>) {
        self.propagate = Some(to);
    }

    pub(super) fn set_peer(&mut self, peer: Arc<Peer>) {
        self.peer = Some(peer);
    }

    pub(super) fn tells(&self, host: &str) -> bool {
        self.propagate.as_ref().map_or_else(|| of_host(host).is_none(), |to| to(&plain_host(host)))
    }

    pub(super) fn peer(&self, extensions: &Extensions) -> Option<SocketAddr> {
        self.peer.as_ref().and_then(|peer| peer(extensions))
    }
}

/// The settings that both sides have.
macro_rules! grpc_settings {
    () => {
        /// Records these keys of the request's metadata, as `rpc.request.metadata.<key>`. Default: none.
        ///
        /// Of a key that proves who sends it, and of a value that is marked as sensitive, only `REDACTED` is recorded, by the
        /// rule of [`ServerLayer`](crate::http::ServerLayer::with_request_headers). What is no key is left out, and a
        /// [diagnostic](crate::diagnostics) says so.
        pub fn with_request_metadata(mut self, keys: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
            let chosen = crate::http::headers::Chosen::new("rpc.request.metadata.", keys);
            std::sync::Arc::make_mut(&mut self.settings).request_metadata = chosen;
            self
        }

        /// Records these keys of the answer's metadata, from headers and trailers, as `rpc.response.metadata.<key>`.
        /// Default: none.
        pub fn with_response_metadata(mut self, keys: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
            let chosen = crate::http::headers::Chosen::new("rpc.response.metadata.", keys);
            std::sync::Arc::make_mut(&mut self.settings).response_metadata = chosen;
            self
        }

        /// Records the text of a failure (`grpc-message`, up to 1,024 bytes) as the description of the span's status.
        /// Default: no, because the text may hold anything.
        pub fn with_messages(mut self, recorded: bool) -> Self {
            std::sync::Arc::make_mut(&mut self.settings).messages = recorded;
            self
        }

        /// Finds the address of the other end of the connection in the extensions of a request, for `network.peer.address`
        /// and `network.peer.port`. Default: they are not recorded.
        pub fn with_peer(
            mut self,
            peer: impl Fn(&::http::Extensions) -> Option<std::net::SocketAddr> + Send + Sync + 'static,
        ) -> Self {
            std::sync::Arc::make_mut(&mut self.settings).set_peer(std::sync::Arc::new(peer));
            self
        }
    };
}
pub(super) use grpc_settings;
