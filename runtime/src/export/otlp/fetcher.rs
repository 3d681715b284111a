//! OTLP's HTTP client for a server that is asked.

use super::endpoint::Place;
use super::error::ExportError;
use super::http::Connections;
use super::tls;
use crate::ConfigError;
use crate::config::Tls;
use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, USER_AGENT};
use http::{HeaderValue, Request, Uri};
use http_body_util::{BodyExt, Full};
use std::time::Duration;

/// Gets one URL, again and again. Redirects are not followed.
#[derive(Debug)]
pub(crate) struct Fetcher {
    client: Connections,
    place: Place,
}

impl Fetcher {
    /// For this URL; with `https` there have to be certificates to trust.
    pub(crate) fn new(uri: Uri) -> Result<Self, String> {
        let place = Place::from(uri);
        // The reasons of the function below speak of OTLP's settings.
        let trust = tls::trust(&place, &Tls::default(), &mut ConfigError::default());
        let trust =
            trust.ok_or_else(|| format!("{} needs certificates to trust, and the system has none", place.shown()))?;
        Ok(Self { client: Connections::to(&place, trust), place })
    }

    /// The URL, without its query.
    pub(crate) fn shown(&self) -> String {
        self.place.shown()
    }

    /// The body of a success of at most so many bytes that is there in time, or why there is none.
    pub(crate) async fn fetch(&self, longest: usize, timeout: Duration) -> Result<Bytes, String> {
        let late = |_| ExportError::Timeout { endpoint: self.shown(), after: timeout }.to_string();
        tokio::time::timeout(timeout, self.get(longest)).await.map_err(late).flatten()
    }

    async fn get(&self, longest: usize) -> Result<Bytes, String> {
        let mut request = Request::new(Full::default());
        *request.uri_mut() = self.place.uri.clone();
        request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(super::USER_AGENT));
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        let response = self.client.request(request).await.map_err(|error| self.broken(&error))?;
        if !response.status().is_success() {
            return Err(format!("{} answered {}", self.shown(), response.status().as_u16()));
        }
        let (mut body, mut read) = (response.into_body(), BytesMut::new());
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|error| self.broken(&error))?.into_data() else { continue };
            if data.len() > longest - read.len() {
                return Err(format!("{} answered with more than {longest} bytes", self.shown()));
            }
            read.extend_from_slice(&data);
        }
        Ok(read.freeze())
    }

    fn broken(&self, error: &(dyn std::error::Error + 'static)) -> String {
        ExportError::connection(&self.place, error).to_string()
    }
}
