//! What is worth another attempt, by OTLP's specification.

use super::error::ExportError;
use crate::config::Retry;
use crate::export::Again;
use std::time::Duration;
#[cfg(feature = "otlp-grpc")]
use tonic::Code;

/// What tonic says of an answer that is longer than we read, as if the receiver had refused something.
#[cfg(feature = "otlp-grpc")]
const ANSWER_TOO_LONG: &str = "Error, decoded message length too large";

/// What is longer is a mistake of the receiver, and no pause that telemetry could wait for.
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);

/// The pause that a receiver asks for, unless it is none or absurd.
pub(super) fn plausible(pause: Duration) -> Option<Duration> {
    (!pause.is_zero() && pause <= LONGEST_PAUSE).then_some(pause)
}

impl ExportError {
    /// Whether another attempt may help.
    #[cfg_attr(not(feature = "otlp-http"), allow(unused_variables))]
    pub(crate) fn again(&self, retry: &Retry) -> Again {
        match self {
            // Whoever cannot be reached may be started again, and a certificate that is not valid may be renewed.
            Self::Connection { .. } | Self::Timeout { .. } => Again::Later,
            // It would be as large again.
            Self::TooLarge { .. } => Again::Never,
            #[cfg(feature = "otlp-http")]
            Self::Status { status, pause, .. } => match status {
                429 | 502 | 503 | 504 => pause.map_or(Again::Later, Again::After),
                status if retry.also_statuses.contains(status) => pause.map_or(Again::Later, Again::After),
                _ => Again::Never,
            },
            #[cfg(feature = "otlp-grpc")]
            Self::Grpc { code, message, retry_info, .. } => match code {
                // The receiver may have taken the batch, and would say the same again.
                Code::OutOfRange if message.starts_with(ANSWER_TOO_LONG) => Again::Never,
                Code::Cancelled
                | Code::DeadlineExceeded
                | Code::Aborted
                | Code::OutOfRange
                | Code::Unavailable
                | Code::DataLoss => retry_info.unwrap_or(Again::Later),
                // Without a `RetryInfo` what is exhausted stays so: a quota, or the largest request.
                Code::ResourceExhausted => retry_info.unwrap_or(Again::Never),
                _ => Again::Never,
            },
        }
    }

    /// For the attribute `error.type`: the HTTP status, the name of the gRPC status, `timeout`, or one of a few words.
    pub(crate) fn error_type(&self) -> String {
        match self {
            Self::Connection { error_type, .. } => (*error_type).to_owned(),
            Self::Timeout { .. } => "timeout".to_owned(),
            Self::TooLarge { .. } => "request_too_large".to_owned(),
            #[cfg(feature = "otlp-http")]
            Self::Status { status, .. } => status.to_string(),
            #[cfg(feature = "otlp-grpc")]
            Self::Grpc { code, .. } => name(*code).to_owned(),
        }
    }
}

/// The name that gRPC's documentation gives a status.
#[cfg(feature = "otlp-grpc")]
fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "otlp-http")]
    fn status(status: u16, pause: Option<u64>) -> ExportError {
        let pause = pause.map(Duration::from_secs);
        ExportError::Status { endpoint: "http://host/".into(), status, body: String::new(), pause }
    }

    #[cfg(feature = "otlp-http")]
    #[test]
    fn four_http_statuses_are_worth_another_attempt_and_those_that_the_settings_add() {
        let (plain, more) = (Retry::default(), Retry::default().with_status(500));
        for code in 300..=599 {
            let expected = if [429, 502, 503, 504].contains(&code) { Again::Later } else { Again::Never };
            assert_eq!(status(code, None).again(&plain), expected, "{code}");
            assert_eq!(status(code, None).error_type(), code.to_string());
            let expected = if code == 500 { Again::Later } else { expected };
            assert_eq!(status(code, None).again(&more), expected, "{code}");
        }
        assert_eq!(status(503, Some(7)).again(&plain), Again::After(Duration::from_secs(7)));
        assert_eq!(status(500, Some(7)).again(&more), Again::After(Duration::from_secs(7)));
        assert_eq!(status(413, Some(7)).again(&plain), Again::Never);
    }

    #[cfg(feature = "otlp-grpc")]
    #[test]
    fn grpc_statuses_are_worth_another_attempt_as_the_specification_lists_them() {
        use Code::*;
        let pause = Again::After(Duration::from_secs(2));
        let of = |code, retry_info, message: &str| {
            let error =
                ExportError::Grpc { endpoint: "http://host/".into(), code, message: message.to_owned(), retry_info };
            error.again(&Retry::default())
        };
        for code in (0..=16).map(Code::from_i32) {
            let (plain, asked) = match code {
                Cancelled | DeadlineExceeded | Aborted | OutOfRange | Unavailable | DataLoss => (Again::Later, pause),
                ResourceExhausted => (Again::Never, pause),
                _ => (Again::Never, Again::Never),
            };
            assert_eq!((of(code, None, ""), of(code, Some(pause), "")), (plain, asked), "{code:?}");
        }
        assert_eq!(of(ResourceExhausted, Some(Again::Later), ""), Again::Later);
        let long = "Error, decoded message length too large: found 9 bytes, the limit is: 8 bytes";
        assert_eq!(of(OutOfRange, None, long), Again::Never);
        assert_eq!(name(DeadlineExceeded), "DEADLINE_EXCEEDED");
    }

    #[test]
    fn what_did_not_arrive_is_sent_again_and_what_is_too_large_is_not() {
        let never = ExportError::TooLarge { size: 2, limit: 1 };
        let timeout = ExportError::Timeout { endpoint: String::new(), after: Duration::ZERO };
        let refused = timeout.refused(&Retry::default());
        assert_eq!((never.again(&Retry::default()), refused.again), (Again::Never, Again::Later));
        assert_eq!((never.error_type().as_str(), refused.error_type.as_str()), ("request_too_large", "timeout"));
    }
}
