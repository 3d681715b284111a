//! OTLP's HTTP client for a receiver that takes JSON but does not speak OTLP.

use super::body::Body;
use super::endpoint::Place;
use super::error::ExportError;
use super::http::HttpTransport;
use super::{Encoding, endpoint, tls};
use crate::ConfigError;
use crate::config::{Compression, Tls, Zipkin};
use http::HeaderMap;
use std::time::Duration;

/// The most bytes of an answer that are read; only a complaint is of use.
const LONGEST_ANSWER: usize = 16 << 10;

/// Posts JSON to one URL. Any status of success is one, whatever its body says.
#[derive(Debug)]
pub(crate) struct Poster {
    url: String,
    timeout: Duration,
    transport: HttpTransport,
}

impl Poster {
    /// For Zipkin. What is wrong with the settings goes to `problems`.
    pub(crate) fn new(zipkin: &Zipkin, problems: &mut ConfigError) -> Option<Self> {
        let endpoint = Place::from(endpoint::zipkin(&zipkin.endpoint, problems)?);
        let url = endpoint.shown();
        // The reasons of the function below speak of OTLP's settings.
        let trust = tls::trust(&endpoint, &Tls::default(), &mut ConfigError::default());
        if trust.is_none() {
            let why = match cfg!(feature = "tls") {
                true => "the system has no certificates to trust",
                false => "`otelier` was built without the feature `tls`",
            };
            problems.push(format_args!(
                "`otelier/zipkin.endpoint` (`OTEL_EXPORTER_ZIPKIN_ENDPOINT`) is `{url}`, but {why}"
            ));
        }
        let body = Body { encoding: Encoding::Json, compression: Compression::None };
        let transport = HttpTransport::new(endpoint, HeaderMap::new(), body, trust?, LONGEST_ANSWER);
        // No limit is one that nobody lives to see.
        let timeout = if zipkin.timeout.is_zero() { Duration::MAX } else { zipkin.timeout };
        Some(Self { url, timeout, transport })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Posts one body, and waits for the answer.
    pub(crate) async fn post(&self, body: Vec<u8>) -> Result<(), ExportError> {
        let late = |_| ExportError::Timeout { endpoint: self.url.clone(), after: self.timeout };
        let posted = tokio::time::timeout(self.timeout, self.transport.post(body.into())).await;
        posted.map_err(late).flatten().map(|_| ())
    }
}
