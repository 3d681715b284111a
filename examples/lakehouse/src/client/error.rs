//! What can go wrong between the client and the exchange.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use otelier::ErrorClass;
use serde::Deserialize;

/// Why a request has no usable answer.
#[derive(Clone, Debug, PartialEq)]
pub enum ExchangeError {
    /// The exchange answered, but not with data.
    Refused {
        /// HTTP status.
        status: u16,
        /// The exchange's own number, such as -1121 for an unknown symbol.
        code: Option<i64>,
        /// The exchange's own text, or what was sent in its place.
        message: String,
        /// How long the exchange wants to hear nothing.
        retry_after: Option<Duration>,
    },
    /// No answer came in time.
    Timeout {
        /// How long the client waited.
        after: Duration,
    },
    /// The answer is not the JSON it should be.
    InvalidJson {
        /// Length of the answer.
        bytes: usize,
        /// What the parser says.
        reason: String,
    },
    /// The exchange could not be reached, or the connection broke.
    Connection {
        /// What the HTTP client says.
        reason: String,
    },
    /// The run's deadline passed before the answer came.
    Deadline,
    /// The task that waited for the answer panicked.
    Panicked,
}

#[derive(Deserialize)]
struct Refusal {
    code: i64,
    msg: String,
}

impl ExchangeError {
    /// The error in an answer that is not 200.
    pub(super) fn refused(status: u16, retry_after: Option<Duration>, body: &[u8]) -> Self {
        let (code, message) = match serde_json::from_slice(body) {
            Ok(Refusal { code, msg }) => (Some(code), msg),
            Err(_) => (None, format!("{} bytes that are not the exchange's error format", body.len())),
        };
        Self::Refused { status, code, message, retry_after }
    }

    pub(super) fn from_setup(error: reqwest::Error) -> Self {
        Self::Connection { reason: innermost(&error) }
    }

    pub(super) fn from_transport(error: reqwest::Error) -> Self {
        Self::Connection { reason: innermost(&error) }
    }

    /// Whether the same request can succeed later.
    pub fn is_worth_a_retry(&self) -> bool {
        match self {
            Self::Refused { status, .. } => matches!(status, 418 | 429 | 500..=599),
            Self::Timeout { .. } | Self::InvalidJson { .. } | Self::Connection { .. } => true,
            Self::Deadline | Self::Panicked => false,
        }
    }

    /// How long the exchange wants to hear nothing.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
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

impl fmt::Display for ExchangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { status, code: Some(code), message, .. } => {
                write!(f, "the exchange answered {status} ({code}: {})", message.trim_end_matches('.'))
            }
            Self::Refused { status, message, .. } => write!(f, "the exchange answered {status} ({message})"),
            Self::Timeout { after } => write!(f, "no answer within {after:?}"),
            Self::InvalidJson { bytes, reason } => write!(f, "the answer of {bytes} bytes is not JSON: {reason}"),
            Self::Connection { reason } => write!(f, "the exchange cannot be reached: {reason}"),
            Self::Deadline => f.write_str("cancelled by the deadline of the run"),
            Self::Panicked => f.write_str("the download panicked"),
        }
    }
}

impl std::error::Error for ExchangeError {}

impl ErrorClass for ExchangeError {
    fn error_type(&self) -> Cow<'static, str> {
        match self {
            Self::Refused { status, .. } => Cow::Owned(status.to_string()),
            Self::Timeout { .. } => Cow::Borrowed("timeout"),
            Self::InvalidJson { .. } => Cow::Borrowed("invalid_json"),
            Self::Connection { .. } => Cow::Borrowed("connection"),
            Self::Deadline => Cow::Borrowed("deadline"),
            Self::Panicked => Cow::Borrowed("panic"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_carries_the_exchanges_code_and_text() {
        let error = ExchangeError::refused(400, None, br#"{"code":-1121,"msg":"Invalid symbol."}"#);
        assert_eq!(error.to_string(), "the exchange answered 400 (-1121: Invalid symbol)");
        assert_eq!(error.error_type(), "400");
        assert!(!error.is_worth_a_retry());
    }

    #[test]
    fn only_errors_that_may_pass_are_worth_a_retry() {
        for status in [418, 429, 500, 503] {
            assert!(ExchangeError::refused(status, None, b"{}").is_worth_a_retry(), "{status}");
        }
        assert!(!ExchangeError::refused(404, None, b"{}").is_worth_a_retry());
        assert!(ExchangeError::Timeout { after: Duration::ZERO }.is_worth_a_retry());
        assert!(!ExchangeError::Deadline.is_worth_a_retry());
    }
}
