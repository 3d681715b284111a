//! Endpoints and headers, as the OTLP exporter specification has them.

use crate::ConfigError;
use crate::config::{Otlp, Protocol, percent_decoded};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};

/// The URL that requests go to.
pub(crate) fn endpoint(otlp: &Otlp, problems: &mut ConfigError) -> Option<Uri> {
    let signal_path = |base: &str| match otlp.protocol {
        Protocol::HttpProtobuf => format!("{}/v1/traces", base.trim_end_matches('/')),
        Protocol::Grpc => base.to_owned(),
    };
    match (&otlp.traces_endpoint, &otlp.endpoint) {
        (Some(url), _) => checked("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", url, url, problems),
        (None, Some(base)) => checked("OTEL_EXPORTER_OTLP_ENDPOINT", base, &signal_path(base), problems),
        (None, None) => {
            let base = match otlp.protocol {
                Protocol::HttpProtobuf => "http://localhost:4318",
                Protocol::Grpc => "http://localhost:4317",
            };
            checked("OTEL_EXPORTER_OTLP_ENDPOINT", base, &signal_path(base), problems)
        }
    }
}

fn checked(name: &str, given: &str, url: &str, problems: &mut ConfigError) -> Option<Uri> {
    let mut refuse = |expected: &str| {
        problems.push(format_args!("the OTLP endpoint (`{name}`) is `{given}`; expected {expected}"));
        None
    };
    let Ok(uri) = url.parse::<Uri>() else { return refuse("a URL such as `http://localhost:4318`") };
    match uri.scheme_str() {
        Some("http") if uri.host().is_some_and(|host| !host.is_empty()) => {}
        Some("https") => {
            return refuse("a URL with `http`: this version has no TLS, so send to a collector on this machine");
        }
        _ => return refuse("a URL such as `http://localhost:4318`"),
    }
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return refuse("a URL without credentials; put them in `OTEL_EXPORTER_OTLP_HEADERS`");
    }
    Some(uri)
}

/// Headers from `key1=value1,key2=value2`, values percent-encoded. Messages never show a value, which may be a secret.
pub(crate) fn headers(list: &str, problems: &mut ConfigError) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for pair in list.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let Some((key, value)) = pair.split_once('=') else {
            problems.push("an entry of `OTEL_EXPORTER_OTLP_HEADERS` has no `=`; expected `key1=value1,key2=value2`");
            continue;
        };
        let key = key.trim();
        let Ok(name) = HeaderName::from_bytes(key.as_bytes()) else {
            let key = super::error::printable(key.as_bytes());
            problems.push(format_args!("`{key}` in `OTEL_EXPORTER_OTLP_HEADERS` is not the name of an HTTP header"));
            continue;
        };
        let value = percent_decoded(value.trim()).and_then(|value| HeaderValue::from_str(&value).ok());
        let Some(mut value) = value else {
            problems.push(format_args!(
                "the value of `{key}` in `OTEL_EXPORTER_OTLP_HEADERS` is not that of an HTTP header; expected visible \
                 characters, others percent-encoded"
            ));
            continue;
        };
        value.set_sensitive(true);
        headers.append(name, value);
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(otlp: Otlp) -> Result<String, String> {
        let mut problems = ConfigError::default();
        endpoint(&otlp, &mut problems).map(|uri| uri.to_string()).ok_or(problems.to_string())
    }

    #[test]
    fn http_appends_the_signals_path_to_the_base_only() {
        assert_eq!(url(Otlp::default()).unwrap(), "http://localhost:4318/v1/traces");
        assert_eq!(url(Otlp::to("http://host:1/base/")).unwrap(), "http://host:1/base/v1/traces");
        let mut exact = Otlp::to("http://ignored:1");
        exact.traces_endpoint = Some("http://host:2/custom".to_owned());
        assert_eq!(url(exact).unwrap(), "http://host:2/custom");
    }

    #[test]
    fn grpc_has_its_own_port_and_no_path() {
        let grpc = Otlp::default().with_protocol(Protocol::Grpc);
        assert_eq!(url(grpc).unwrap(), "http://localhost:4317/");
    }

    #[test]
    fn unusable_endpoints_are_refused_with_what_is_expected() {
        for (given, expected) in [
            ("localhost:4318", "expected a URL such as"),
            ("ftp://host", "expected a URL such as"),
            ("http://", "expected a URL such as"),
            ("https://host", "has no TLS"),
            ("http://user:secret@host", "without credentials"),
            ("", "expected a URL such as"),
        ] {
            let error = url(Otlp::to(given)).unwrap_err();
            assert!(error.contains(expected), "{given}: {error}");
        }
    }

    #[test]
    fn headers_are_decoded_and_mistakes_do_not_show_values() {
        let mut problems = ConfigError::default();
        let parsed = headers("api-key=a%20b, x=1,", &mut problems);
        assert_eq!(parsed["api-key"], "a b");
        assert_eq!((parsed.len(), problems.problems().len()), (2, 0));
        headers("novalue,bad name=secret1,k=secret2%0a,k=%zz", &mut problems);
        assert_eq!(problems.problems().len(), 4);
        assert!(!problems.to_string().contains("secret"));
    }
}
