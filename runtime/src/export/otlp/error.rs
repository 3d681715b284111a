//! Why a batch did not arrive.

use super::broken;
use crate::config::Retry;
#[cfg(feature = "otlp-grpc")]
use crate::export::Again;
use crate::export::Refused;
use std::error::Error;
use std::fmt;
use std::time::Duration;

/// Why a request failed. Every message names the endpoint and fits on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ExportError {
    /// No connection, or it broke.
    Connection { endpoint: String, reason: String, error_type: &'static str },
    /// No answer in time.
    Timeout { endpoint: String, after: Duration },
    /// The request is not sent.
    TooLarge { size: usize, limit: usize },
    /// An HTTP answer other than success; `pause` is what its `Retry-After` asks for.
    #[cfg(feature = "otlp-http")]
    Status { endpoint: String, status: u16, body: String, pause: Option<Duration> },
    /// A gRPC status other than OK; `retry_info` is what a `RetryInfo` in its details says.
    #[cfg(feature = "otlp-grpc")]
    Grpc { endpoint: String, code: tonic::Code, message: String, retry_info: Option<Again> },
}

impl ExportError {
    /// No connection, or one that broke, for the innermost reason that the transport knows.
    pub(crate) fn connection(endpoint: &super::endpoint::Place, error: &(dyn Error + 'static)) -> Self {
        let (reason, error_type) = (innermost(error), broken::error_type(error));
        Self::Connection { endpoint: endpoint.shown(), reason, error_type }
    }

    /// This error for the accounts: whether another attempt may help is for OTLP's specification and `retry` to say.
    #[allow(dead_code)]
    pub(crate) fn refused(self, retry: &Retry) -> Refused {
        Refused { text: self.to_string(), error_type: self.error_type(), again: self.again(retry) }
    }
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection { endpoint, reason, .. } => write!(f, "no connection to {endpoint}: {reason}"),
            Self::Timeout { endpoint, after } => write!(f, "{endpoint} did not answer within {after:?}"),
            Self::TooLarge { size, limit } => {
                write!(
                    f,
                    "the request has {size} bytes, more than `max_request_size` ({limit}) allows; smaller batches help"
                )
            }
            #[cfg(feature = "otlp-http")]
            Self::Status { endpoint, status, body, .. } if body.is_empty() => write!(f, "{endpoint} answered {status}"),
            #[cfg(feature = "otlp-http")]
            Self::Status { endpoint, status, body, .. } => write!(f, "{endpoint} answered {status}: {body}"),
            #[cfg(feature = "otlp-grpc")]
            Self::Grpc { endpoint, code, message, .. } if message.is_empty() => {
                write!(f, "{endpoint} answered {code:?}")
            }
            #[cfg(feature = "otlp-grpc")]
            Self::Grpc { endpoint, code, message, .. } => write!(f, "{endpoint} answered {code:?}: {message}"),
        }
    }
}

/// The innermost reason of an error: outer ones of HTTP libraries only say that something went wrong.
pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    printable(error.to_string().as_bytes())
}

/// What a receiver said, as short text without control characters: it may end up on a terminal.
pub(crate) fn printable(bytes: &[u8]) -> String {
    const LONGEST: usize = 200;
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim();
    let mut short: String =
        text.chars().take(LONGEST).map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect();
    if text.chars().nth(LONGEST).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_receiver_says_cannot_steer_a_terminal() {
        assert_eq!(printable(b" \x1b[31mred\n\xff "), "\u{fffd}[31mred\n\u{fffd}".replace('\n', "\u{fffd}"));
        assert_eq!(printable("x".repeat(300).as_bytes()).chars().count(), 201);
    }

    #[cfg(feature = "otlp-http")]
    #[test]
    fn messages_name_the_endpoint() {
        let endpoint = "http://localhost:1/v1/traces".to_owned();
        let error = ExportError::Status { endpoint, status: 503, body: String::new(), pause: None };
        assert_eq!(error.to_string(), "http://localhost:1/v1/traces answered 503");
    }
}
