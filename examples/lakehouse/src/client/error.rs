//! What can go wrong between the client and the exchange.

use std::fmt;
use std::time::Duration;

use otelier::ErrorClass;
use serde::Deserialize;

/// Why a request has no usable answer.
///
/// What the attributes say is on every span that fails with it, and the client goes by it: it tries again what is
/// `retryable`.
#[derive(Clone, Debug, PartialEq, ErrorClass)]
pub enum ExchangeError {
    /// The exchange heard too much of us: 429, or 418 if that went on.
    #[error_class(type = status, kind = rate_limit, severity = low, recovery = retry, retryable)]
    TooMany {
        /// HTTP status.
        status: u16,
        /// What the exchange says.
        refusal: Refusal,
        /// How long the exchange wants to hear nothing.
        retry_after: Option<Duration>,
    },
    /// The exchange is in trouble: 5xx.
    #[error_class(type = status, kind = unavailable, severity = medium, recovery = retry, retryable)]
    Unavailable {
        /// HTTP status.
        status: u16,
        /// What the exchange says.
        refusal: Refusal,
    },
    /// The request cannot be answered, also not later.
    #[error_class(type = status, kind = validation, severity = medium, recovery = skip)]
    Refused {
        /// HTTP status.
        status: u16,
        /// What the exchange says.
        refusal: Refusal,
    },
    /// No answer came in time.
    #[error_class(kind = timeout, severity = low, recovery = retry, retryable)]
    Timeout {
        /// How long the client waited.
        after: Duration,
    },
    /// The answer is not the JSON it should be.
    #[error_class(kind = data, severity = medium, recovery = retry, retryable)]
    InvalidJson {
        /// Length of the answer.
        bytes: usize,
        /// What the parser says.
        reason: String,
    },
    /// The exchange could not be reached, or the connection broke.
    #[error_class(kind = network, severity = medium, recovery = retry, retryable)]
    Connection {
        /// What the HTTP client says.
        reason: String,
    },
    /// The run's deadline passed before the answer came.
    #[error_class(kind = cancelled, severity = high, recovery = skip)]
    Deadline,
    /// The task that waited for the answer panicked.
    #[error_class(type = "panic", kind = internal, severity = high, recovery = skip)]
    Panicked,
}

/// What the exchange says in place of data.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Refusal {
    /// The exchange's own number, such as -1121 for an unknown symbol.
    code: Option<i64>,
    /// The exchange's own text, or what was sent in its place.
    msg: String,
}

impl ExchangeError {
    /// The error in an answer that is not 200.
    pub(super) fn refused(status: u16, retry_after: Option<Duration>, body: &[u8]) -> Self {
        let refusal = serde_json::from_slice(body).unwrap_or_else(|_| Refusal {
            code: None,
            msg: format!("{} bytes that are not the exchange's error format", body.len()),
        });
        match status {
            418 | 429 => Self::TooMany { status, refusal, retry_after },
            500..=599 => Self::Unavailable { status, refusal },
            _ => Self::Refused { status, refusal },
        }
    }

    pub(super) fn from_setup(error: reqwest::Error) -> Self {
        Self::Connection { reason: innermost(&error) }
    }

    pub(super) fn from_transport(error: reqwest::Error) -> Self {
        Self::Connection { reason: innermost(&error) }
    }

    /// How long the exchange wants to hear nothing.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooMany { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// The cause at the bottom: the layers above it only repeat that a request failed.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "{code}: {}", self.msg.trim_end_matches('.')),
            None => f.write_str(&self.msg),
        }
    }
}

impl fmt::Display for ExchangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany { status, refusal, .. }
            | Self::Unavailable { status, refusal }
            | Self::Refused { status, refusal } => write!(f, "the exchange answered {status} ({refusal})"),
            Self::Timeout { after } => write!(f, "no answer within {after:?}"),
            Self::InvalidJson { bytes, reason } => write!(f, "the answer of {bytes} bytes is not JSON: {reason}"),
            Self::Connection { reason } => write!(f, "the exchange cannot be reached: {reason}"),
            Self::Deadline => f.write_str("cancelled by the deadline of the run"),
            Self::Panicked => f.write_str("the download panicked"),
        }
    }
}

impl std::error::Error for ExchangeError {}

#[cfg(test)]
mod tests {
    use otelier::ErrorKind;

    use super::*;

    #[test]
    fn a_refusal_carries_the_exchanges_code_and_text() {
        let error = ExchangeError::refused(400, None, br#"{"code":-1121,"msg":"Invalid symbol."}"#);
        assert_eq!(error.to_string(), "the exchange answered 400 (-1121: Invalid symbol)");
        assert_eq!(error.error_type(), "400");
        assert!(!error.is_retryable());
    }

    #[test]
    fn the_kind_of_a_refusal_depends_on_its_status() {
        let kind = |status| ExchangeError::refused(status, None, b"{}").kind();
        assert_eq!([429, 418].map(kind), [ErrorKind::RateLimit; 2]);
        assert_eq!([503, 400].map(kind), [ErrorKind::Unavailable, ErrorKind::Validation]);
    }

    #[test]
    fn only_errors_that_may_pass_are_worth_a_retry() {
        for status in [418, 429, 500, 503] {
            assert!(ExchangeError::refused(status, None, b"{}").is_retryable(), "{status}");
        }
        assert!(!ExchangeError::refused(404, None, b"{}").is_retryable());
        assert!(ExchangeError::Timeout { after: Duration::ZERO }.is_retryable());
        assert!(!ExchangeError::Deadline.is_retryable());
    }
}
