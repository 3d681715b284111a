//! The client: one span for each attempt, retries with backoff, and respect for the exchange's rate limit.

mod error;
mod gate;
mod request;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::time::Duration;

use otelier::Attempts;
use otelier::prelude::*;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde_json::value::RawValue;

pub use error::ExchangeError;
pub use gate::Gate;
pub use request::Request;

/// Attempts at one request, the first included.
const ATTEMPTS: u32 = 4;
/// Pause before the second attempt; it doubles with each further one.
const BACKOFF: Duration = Duration::from_millis(20);

/// A client of the exchange. Cheap to share behind an `Arc`.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    exchange: SocketAddr,
    host: String,
    timeout: Duration,
    gate: Gate,
}

/// What the exchange sends with every answer.
struct Answer {
    status: u16,
    used_weight: Option<i64>,
    retry_after: Option<Duration>,
    body: Vec<u8>,
}

impl Client {
    /// A client that waits at most `timeout` for one answer.
    ///
    /// # Errors
    ///
    /// [`ExchangeError::Connection`] if the HTTP client cannot be set up.
    pub fn new(exchange: SocketAddr, timeout: Duration) -> Result<Self, ExchangeError> {
        // The exchange is on the loopback interface; a proxy from the environment would never reach it.
        let http = reqwest::Client::builder().no_proxy().build().map_err(ExchangeError::from_setup)?;
        Ok(Self { http, exchange, host: exchange.ip().to_string(), timeout, gate: Gate::default() })
    }

    /// How long the client waits for one answer.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Whether the exchange asked for a pause that is not over.
    pub fn is_held_back(&self) -> bool {
        self.gate.is_closed()
    }

    /// Takes over the budget that the exchange announced, for the spans that follow.
    pub fn set_weight_limit(&self, limit: u32) {
        self.gate.set_weight_limit(limit);
    }

    /// Sends a request until it is answered, at most four times. Between attempts it waits: as long as the
    /// exchange says, or longer each time.
    ///
    /// # Errors
    ///
    /// The error of the last attempt, or the first one that trying again cannot cure.
    pub async fn get(&self, request: &Request<'_>) -> Result<Box<RawValue>, ExchangeError> {
        // Not `retry_async`: the pause belongs to the gate, for all requests, and attempts have a schema.
        let mut attempts = Attempts::annotated().max(ATTEMPTS);
        loop {
            self.gate.wait().await;
            let error = match self.attempt(request, &mut attempts).await {
                Ok(body) => return Ok(body),
                Err(error) => error,
            };
            if attempts.is_exhausted() || !error.is_retryable() {
                return Err(error);
            }
            match error.retry_after() {
                Some(pause) => self.gate.close_for(pause),
                None => tokio::time::sleep(BACKOFF * 2_u32.pow(attempts.made() - 1)).await,
            }
        }
    }

    /// One request over the wire, and the check that its answer is whole. Its span has the attempt's number, and links to
    /// the attempt before.
    #[trace_exchange_api(
        crypto.symbol = request.symbol,
        http.request.resend_count = (attempts.made() > 0).then(|| attempts.made()),
        crypto.market = Market::Binance,
        url.template = request.template,
        crypto.data_type = request.data_type,
        crypto.timeframe = request.timeframe,
        crypto.rate_limit.limit = self.gate.weight_limit(),
        http.request.method = "GET",
        server.address = self.host.as_str(),
        server.port = self.exchange.port(),
        late(http.response.status_code, http.response.body.size)
    )]
    async fn attempt(&self, request: &Request<'_>, attempts: &mut Attempts) -> Result<Box<RawValue>, ExchangeError> {
        attempts.mark_current();
        let answer = self.send(request).await?;
        record!(http.response.status_code = answer.status);
        record!(http.response.body.size = answer.body.len());
        record!(crypto.rate_limit.used_weight = answer.used_weight);
        record!(crypto.retry_after = answer.retry_after.map(|pause| pause.as_secs_f64()));
        if let (429 | 418, Some(pause)) = (answer.status, answer.retry_after) {
            event!("rate_limited", crypto.retry_after = pause.as_secs_f64());
        }
        answer.into_body()
    }

    async fn send(&self, request: &Request<'_>) -> Result<Answer, ExchangeError> {
        let url = request.url(self.exchange);
        let sent = async {
            let response = self.http.get(url).send().await?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let body = response.bytes().await?.to_vec();
            let used_weight = header(&headers, "x-mbx-used-weight-1m");
            let retry_after = header(&headers, RETRY_AFTER.as_str()).map(Duration::from_secs);
            Ok(Answer { status, used_weight, retry_after, body })
        };
        match tokio::time::timeout(self.timeout, sent).await {
            Ok(answer) => answer.map_err(ExchangeError::from_transport),
            Err(_) => Err(ExchangeError::Timeout { after: self.timeout }),
        }
    }
}

fn header<T: std::str::FromStr>(headers: &HeaderMap, name: &str) -> Option<T> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}

impl Answer {
    fn into_body(self) -> Result<Box<RawValue>, ExchangeError> {
        if self.status != 200 {
            return Err(ExchangeError::refused(self.status, self.retry_after, &self.body));
        }
        serde_json::from_slice(&self.body)
            .map_err(|error| ExchangeError::InvalidJson { bytes: self.body.len(), reason: error.to_string() })
    }
}
