//! What kind of error kept a request from its receiver, for `error.type`.

use std::error::Error;
use std::io;

/// One of a few words, by what the chain of errors has in it. OpenTelemetry's conventions want few different values, so the
/// words of the operating system are not among them.
pub(super) fn error_type(error: &(dyn Error + 'static)) -> &'static str {
    let mut word = "connection_error";
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = of(error) {
            // What is deeper inside knows more.
            word = found;
        }
        next = inner(error);
    }
    word
}

/// What is inside an error. An `io::Error` passes over what it was made of when it is asked for its source.
fn inner<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

fn of(error: &(dyn Error + 'static)) -> Option<&'static str> {
    #[cfg(feature = "tls")]
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(match error {
            rustls::Error::InvalidCertificate(_) => "server_certificate_invalid",
            rustls::Error::AlertReceived(_) => "tls_alert",
            _ => "tls_error",
        });
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return Some(match error.kind() {
            io::ErrorKind::ConnectionRefused => "connection_refused",
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
                "connection_reset"
            }
            io::ErrorKind::UnexpectedEof => "connection_closed",
            io::ErrorKind::TimedOut => "timeout",
            io::ErrorKind::NotFound => "socket_not_found",
            io::ErrorKind::PermissionDenied => "permission_denied",
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => "network_unreachable",
            _ => return None,
        });
    }
    let error = error.downcast_ref::<hyper::Error>()?;
    if error.is_timeout() {
        Some("timeout")
    } else if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        Some("connection_closed")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_reason_gives_the_word() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(error_type(&refused), "connection_refused");
        let reset = io::Error::other(io::Error::other(io::Error::from(io::ErrorKind::ConnectionReset)));
        assert_eq!(error_type(&reset), "connection_reset");
        assert_eq!(error_type(&io::Error::other("dns error")), "connection_error");
    }

    #[cfg(feature = "tls")]
    #[test]
    fn a_certificate_that_is_not_valid_has_a_word_of_its_own() {
        let expired = rustls::Error::InvalidCertificate(rustls::CertificateError::Expired);
        assert_eq!(error_type(&io::Error::other(expired)), "server_certificate_invalid");
        let alert = rustls::Error::AlertReceived(rustls::AlertDescription::CertificateRequired);
        assert_eq!(error_type(&io::Error::new(io::ErrorKind::InvalidData, alert)), "tls_alert");
    }
}
