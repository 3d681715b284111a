//! Endpoints and headers, as the OTLP exporter specification has them.

use super::Target;
use super::error::printable;
use crate::ConfigError;
use crate::config::{Protocol, percent_decoded};
use crate::export::Signal;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};

/// The URL that requests go to.
pub(crate) fn endpoint(target: &Target<'_>, problems: &mut ConfigError) -> Option<Uri> {
    let default = match target.protocol {
        Protocol::HttpProtobuf => "http://localhost:4318",
        Protocol::Grpc => "http://localhost:4317",
    };
    let (name, path) = match target.signal {
        Signal::Spans => ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "v1/traces"),
        Signal::Logs => ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "v1/logs"),
        Signal::Metrics => ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "v1/metrics"),
    };
    if let Some(url) = target.exact {
        return checked(name, url, problems);
    }
    let base = checked("OTEL_EXPORTER_OTLP_ENDPOINT", target.base.unwrap_or(default), problems)?;
    match target.protocol {
        Protocol::HttpProtobuf => with_signal_path(base, path),
        Protocol::Grpc => Some(base),
    }
}

/// Appends the path of the signal, before a query if there is one.
fn with_signal_path(base: Uri, path: &str) -> Option<Uri> {
    let mut path = format!("{}/{path}", base.path().trim_end_matches('/'));
    if let Some(query) = base.query() {
        path.push('?');
        path.push_str(query);
    }
    let mut parts = base.into_parts();
    parts.path_and_query = Some(path.parse().ok()?);
    Uri::from_parts(parts).ok()
}

fn checked(name: &str, given: &str, problems: &mut ConfigError) -> Option<Uri> {
    const EXPECTED: &str = "a URL such as `http://localhost:4318`";
    let mut refuse = |expected: &str| {
        let given = without_credentials(given);
        problems.push(format_args!("the OTLP endpoint (`{name}`) is `{given}`; expected {expected}"));
        None
    };
    let Ok(uri) = given.parse::<Uri>() else { return refuse(EXPECTED) };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return refuse(EXPECTED) };
    if scheme == "https" {
        return refuse("a URL with `http`: this version has no TLS, so send to a collector on this machine");
    }
    if scheme != "http" || authority.host().is_empty() {
        return refuse(EXPECTED);
    }
    if authority.as_str().contains('@') {
        return refuse("a URL without credentials; put them in `OTEL_EXPORTER_OTLP_HEADERS`");
    }
    // What is no port number would be passed over in silence, and port 80 be used.
    let port = &authority.as_str()[authority.host().len()..];
    if !port.is_empty() && authority.port_u16().is_none_or(|port| port == 0) {
        return refuse("a port from 1 to 65535");
    }
    Some(uri)
}

/// What was given, printable, and with `…` in place of a user and a password.
fn without_credentials(given: &str) -> String {
    let (before, rest) =
        given.split_once("://").map_or(("", given), |(scheme, rest)| (&given[..scheme.len() + 3], rest));
    match rest.rsplit_once('@') {
        Some((_, host)) => printable(format!("{before}…@{host}").as_bytes()),
        None => printable(given.as_bytes()),
    }
}

/// Headers that say how the body is carried. Whoever sets them breaks the requests.
const RESERVED: [&str; 10] = [
    "connection",
    "content-encoding",
    "content-length",
    "expect",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

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
            let key = printable(key.as_bytes());
            problems.push(format_args!("`{key}` in `OTEL_EXPORTER_OTLP_HEADERS` is not the name of an HTTP header"));
            continue;
        };
        if RESERVED.contains(&name.as_str()) || name.as_str().starts_with("grpc-") {
            problems.push(format_args!(
                "`{name}` in `OTEL_EXPORTER_OTLP_HEADERS` is set by the exporter itself; expected headers such as `api-key`"
            ));
            continue;
        }
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

    use crate::config::{Otlp, OtlpLogs};

    fn url(otlp: Otlp) -> Result<String, String> {
        let mut problems = ConfigError::default();
        endpoint(&Target::spans(&otlp), &mut problems).map(|uri| uri.to_string()).ok_or(problems.to_string())
    }

    #[test]
    fn http_appends_the_signals_path_to_the_base_only() {
        assert_eq!(url(Otlp::default()).unwrap(), "http://localhost:4318/v1/traces");
        assert_eq!(url(Otlp::to("http://host:1/base/")).unwrap(), "http://host:1/base/v1/traces");
        let mut exact = Otlp::to("http://ignored:1");
        exact.traces_endpoint = Some("http://host:2/custom".to_owned());
        assert_eq!(url(exact).unwrap(), "http://host:2/custom");
        assert_eq!(url(Otlp::to("http://host:1/base?tenant=a#part")).unwrap(), "http://host:1/base/v1/traces?tenant=a");
        assert_eq!(url(Otlp::to("http://[::1]:4318")).unwrap(), "http://[::1]:4318/v1/traces");
    }

    #[test]
    fn log_records_have_a_path_and_an_endpoint_of_their_own() {
        let url = |logs: OtlpLogs, otlp: Otlp| {
            let mut problems = ConfigError::default();
            let uri = endpoint(&Target::logs(&otlp, &logs), &mut problems);
            uri.map(|uri| uri.to_string()).ok_or(problems.to_string())
        };
        let same = OtlpLogs::default;
        assert_eq!(url(same(), Otlp::default()).unwrap(), "http://localhost:4318/v1/logs");
        assert_eq!(url(same(), Otlp::to("http://host:1/base/?a=b")).unwrap(), "http://host:1/base/v1/logs?a=b");
        let mut traces = Otlp::to("http://host:1");
        traces.traces_endpoint = Some("http://traces:2/custom".to_owned());
        assert_eq!(url(same(), traces.clone()).unwrap(), "http://host:1/v1/logs");
        let exact = OtlpLogs { endpoint: Some("http://logs:3/custom".to_owned()), ..same() };
        assert_eq!(url(exact, traces).unwrap(), "http://logs:3/custom");
        let grpc = OtlpLogs { protocol: Some(Protocol::Grpc), ..same() };
        assert_eq!(url(grpc, Otlp::default()).unwrap(), "http://localhost:4317/");
        let wrong = OtlpLogs { endpoint: Some("logs".to_owned()), ..same() };
        assert!(url(wrong, Otlp::default()).unwrap_err().contains("(`OTEL_EXPORTER_OTLP_LOGS_ENDPOINT`) is `logs`"));
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
            ("http://host:99999", "expected a port from 1 to 65535"),
            ("http://host:0", "expected a port from 1 to 65535"),
            ("http://host:", "expected a port from 1 to 65535"),
            ("http://host:port", "expected a port from 1 to 65535"),
            ("http://ho\u{1b}[31mst", "`http://ho\u{fffd}[31mst`; expected a URL such as"),
        ] {
            let error = url(Otlp::to(given)).unwrap_err();
            assert!(error.contains(expected), "{given}: {error}");
        }
    }

    #[test]
    fn a_refused_endpoint_does_not_show_its_credentials() {
        for given in [
            "http://user:secret@host",
            "https://user:secret@host:1/x",
            "user:secret@host",
            "http://user:sec ret@host",
            "http://user:p@secret@host",
        ] {
            let error = url(Otlp::to(given)).unwrap_err();
            assert!(error.contains("…@host") && !error.contains("sec"), "{error}");
        }
    }

    #[test]
    fn headers_that_frame_the_request_are_refused() {
        for name in RESERVED.iter().chain(&["Content-Length", "grpc-timeout"]) {
            let mut problems = ConfigError::default();
            assert!(headers(&format!("{name}=12345"), &mut problems).is_empty());
            let text = problems.to_string();
            assert!(text.contains("is set by the exporter itself") && !text.contains("12345"), "{text}");
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
