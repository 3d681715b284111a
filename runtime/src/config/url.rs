//! URLs of receivers.

use http::Uri;
use std::path::Path;

/// Why a text is no URL of a receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// It is no URL with `http` or `https` and a host.
    Url,
    /// It has a user, and perhaps a password.
    Credentials,
    /// What stands behind the host is no number of a port.
    Port,
    /// It is a socket, but its path does not begin at the root.
    Socket,
    /// It is a socket, which this system does not have.
    NoSockets,
}

/// What messages expect of the URL of a socket, or in its place.
pub(crate) const SOCKET: &str = "a socket such as `unix:///run/otel.sock`";
pub(crate) const NO_SOCKETS: &str = "a URL with `http` or `https`: this system has no Unix sockets";

/// What URLs of Unix sockets begin with.
const UNIX: &str = "unix:";

/// The path in `unix:///run/otel.sock` or `unix:/run/otel.sock`; nothing for other URLs.
pub(crate) fn socket(text: &str) -> Option<Result<&Path, Wrong>> {
    let rest = text.strip_prefix(UNIX)?;
    if !cfg!(unix) {
        return Some(Err(Wrong::NoSockets));
    }
    let path = rest.strip_prefix("//").unwrap_or(rest);
    // An empty host is the only one; a path that ends in a slash is a folder.
    let is_path = path.starts_with('/') && !path.ends_with('/') && !path.contains('\0');
    Some(if is_path { Ok(Path::new(path)) } else { Err(Wrong::Socket) })
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

    #[cfg(unix)]
    #[test]
    fn urls_of_sockets_have_a_path_from_the_root() {
        for right in ["unix:///run/otel.sock", "unix:/run/otel.sock"] {
            assert_eq!(socket(right), Some(Ok(Path::new("/run/otel.sock"))), "{right}");
        }
        for wrong in
            ["unix:", "unix://", "unix:///", "unix:run/a", "unix://host/run/a", "unix:/a/", "unix:/a\0", "unix:@a"]
        {
            assert!(matches!(socket(wrong), Some(Err(Wrong::Socket))), "{wrong}");
        }
        assert_eq!(socket("http://unix"), None);
        assert_eq!(url("unix:/run/otel.sock"), Err(Wrong::Url));
    }

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
