//! How a request's body is made from what was encoded.

use super::response::Encoding;
use crate::ConfigError;
use crate::config::{Compression, Otlp, Protocol};

/// How bodies are encoded, and whether they are compressed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Body {
    pub(super) encoding: Encoding,
    pub(super) compression: Compression,
}

/// Higher levels take longer than what they spare is worth: spans repeat themselves.
#[cfg(all(feature = "otlp-http", feature = "zstd"))]
const ZSTD_LEVEL: i32 = 1;

impl Body {
    pub(super) fn new(otlp: &Otlp, problems: &mut ConfigError) -> Self {
        let compression = otlp.compression;
        let missing = match compression {
            Compression::Gzip if !cfg!(feature = "gzip") => Some("gzip"),
            Compression::Zstd if !cfg!(feature = "zstd") => Some("zstd"),
            _ => None,
        };
        if let Some(word) = missing {
            problems.push(format_args!(
                "`compression` (`OTEL_EXPORTER_OTLP_COMPRESSION`) is `{word}`, but `otelier` was built without the feature \
                 `{word}`"
            ));
        }
        let encoding = if otlp.protocol == Protocol::HttpJson { Encoding::Json } else { Encoding::Protobuf };
        Self { encoding, compression }
    }

    /// What `Content-Encoding` says.
    #[cfg(feature = "otlp-http")]
    pub(super) fn content_encoding(self) -> Option<&'static str> {
        match self.compression {
            Compression::None => None,
            Compression::Gzip => Some("gzip"),
            Compression::Zstd => Some("zstd"),
        }
    }

    /// The bytes that are sent.
    #[cfg(feature = "otlp-http")]
    pub(super) fn carried(self, body: bytes::Bytes) -> bytes::Bytes {
        #[cfg(feature = "zstd")]
        if self.compression == Compression::Zstd {
            // A buffer of its own choice is large enough, so this does not fail.
            return zstd::bulk::compress(&body, ZSTD_LEVEL).unwrap_or_default().into();
        }
        #[cfg(feature = "gzip")]
        if self.compression == Compression::Gzip {
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
