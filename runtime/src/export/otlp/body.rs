//! How a request's body is made from what was encoded.

use super::response::Encoding;
use crate::ConfigError;
use crate::config::{Compression, Otlp, Protocol};

/// How bodies are encoded, and whether they are compressed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Body {
    pub(super) encoding: Encoding,
    pub(super) gzip: bool,
}

impl Body {
    pub(super) fn new(otlp: &Otlp, problems: &mut ConfigError) -> Self {
        let gzip = otlp.compression == Compression::Gzip;
        if gzip && !cfg!(feature = "gzip") {
            problems.push(
                "`compression` (`OTEL_EXPORTER_OTLP_COMPRESSION`) is `gzip`, but `otelier` was built without the feature \
                 `gzip`",
            );
        }
        let encoding = if otlp.protocol == Protocol::HttpJson { Encoding::Json } else { Encoding::Protobuf };
        Self { encoding, gzip }
    }

    /// The bytes that are sent.
    #[cfg(feature = "otlp-http")]
    pub(super) fn carried(self, body: bytes::Bytes) -> bytes::Bytes {
        #[cfg(feature = "gzip")]
        if self.gzip {
            use std::io::Write;
            // Spans repeat themselves so much that the fastest level is nearly as small as the others.
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            // Writing to a `Vec` does not fail.
            let _ = encoder.write_all(&body);
            return encoder.finish().unwrap_or_default().into();
        }
        body
    }
}
