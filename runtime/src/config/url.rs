//! URLs of receivers.

use http::Uri;

/// Why a text is no URL of a receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// It is no URL with `http` or `https` and a host.
    Url,
    /// It has a user, and perhaps a password.
    Credentials,
    /// What stands behind the host is no number of a port.
    Port,
}

/// The URL in a text.
pub(crate) fn url(text: &str) -> Result<Uri, Wrong> {
    let uri: Uri = text.parse().map_err(|_| Wrong::Url)?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(Wrong::Url) };
    if !matches!(scheme, "http" | "https") || authority.host().is_empty() {
        return Err(Wrong::Url);
    }
    if authority.as_str().contains('@') {
        return Err(Wrong::Credentials);
    }
    // What is no port number would be passed over in silence, and port 80 be used.
    let port = &authority.as_str()[authority.host().len()..];
    if !port.is_empty() && authority.port_u16().is_none_or(|port| port == 0) {
        return Err(Wrong::Port);
    }
    Ok(uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_receivers_have_a_scheme_a_host_and_no_credentials() {
        for right in ["http://a", "https://a:4318/v1/traces", "http://[::1]:4318", "http://a/?q=1"] {
            assert!(url(right).is_ok(), "{right}");
        }
        for (text, wrong) in [
            ("", Wrong::Url),
            ("localhost:4318", Wrong::Url),
            ("ftp://a", Wrong::Url),
            ("http://", Wrong::Url),
            ("http://a b", Wrong::Url),
            ("http://user:pw@a", Wrong::Credentials),
            ("http://a:99999", Wrong::Port),
            ("http://a:0", Wrong::Port),
        ] {
            assert_eq!(url(text), Err(wrong), "{text}");
        }
    }
}
