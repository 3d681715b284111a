//! Endpoints and headers, as the OTLP exporter specification has them.

use super::Service;
use super::error::printable;
use crate::ConfigError;
use crate::config::url::{NO_SOCKETS, SOCKET, Wrong, socket, url};
use crate::config::{Endpoint, Headers, Otlp, Protocol, percent_decoded, without_credentials};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use std::borrow::Cow;
use std::net::Ipv6Addr;
use std::path::Path;
use std::sync::Arc;

/// Where requests go.
pub(crate) fn endpoint(service: Service, otlp: &Otlp, problems: &mut ConfigError) -> Option<Place> {
    let port = if otlp.protocol == Protocol::Grpc { 4317 } else { 4318 };
    let of_all = "OTEL_EXPORTER_OTLP_ENDPOINT";
    let (variable, url, is_exact) = match &otlp.endpoint {
        Some(Endpoint::Exact(url)) => {
            let of_one = format!("OTEL_EXPORTER_OTLP_{}_ENDPOINT", service.variable());
            (Cow::Owned(of_one), with_scheme(url, otlp), true)
        }
        Some(Endpoint::Base(url)) => (Cow::Borrowed(of_all), with_scheme(url, otlp), false),
        Some(Endpoint::Host(host)) => (Cow::Borrowed(of_all), Cow::Owned(at_host(host, port)), false),
        None => (Cow::Borrowed(of_all), Cow::Owned(at_host("localhost", port)), false),
    };
    if let Some(path) = socket(&url) {
        let path = path.map_err(|wrong| refuse(&words(&variable), &url, wrong, problems)).ok()?;
        // HTTP wants a host; a socket has none but the machine itself.
        let local = Uri::from_static("http://localhost/");
        let uri = if otlp.protocol == Protocol::Grpc { local } else { with_signal_path(local, service.path())? };
        return Some(Place { uri, socket: Some(path.into()) });
    }
    let uri = checked(&words(&variable), &url, problems)?;
    let is_whole = is_exact || otlp.protocol == Protocol::Grpc;
    Some(Place::from(if is_whole { uri } else { with_signal_path(uri, service.path())? }))
}

/// Where requests go: to a URL, or to a socket on this machine that takes them for a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(super) uri: Uri,
    pub(super) socket: Option<Arc<Path>>,
}

impl From<Uri> for Place {
    fn from(uri: Uri) -> Self {
        Self { uri, socket: None }
    }
}

impl Place {
    /// As names and messages have it.
    pub(super) fn shown(&self) -> String {
        match &self.socket {
            Some(path) => printable(format!("unix://{}", path.display()).as_bytes()),
            None => without_credentials(&self.uri.to_string()),
        }
    }

    pub(super) fn is_https(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }
}

/// A host without a scheme, with its own port or this one.
fn at_host(host: &str, port: u16) -> String {
    if host.parse::<Ipv6Addr>().is_ok() {
        return format!("http://[{host}]:{port}");
    }
    // Of an address in brackets only what is behind them may be a port.
    let has_port = host.rsplit(']').next().is_some_and(|rest| rest.contains(':'));
    if has_port || host.is_empty() { format!("http://{host}") } else { format!("http://{host}:{port}") }
}

/// gRPC may leave the scheme out: it is `https`, unless `insecure` says otherwise.
fn with_scheme<'a>(url: &'a str, otlp: &Otlp) -> Cow<'a, str> {
    if otlp.protocol != Protocol::Grpc || url.is_empty() || url.contains("://") || socket(url).is_some() {
        return Cow::Borrowed(url);
    }
    Cow::Owned(format!("{}://{url}", if otlp.tls.insecure { "http" } else { "https" }))
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

/// How messages speak of an endpoint.
struct Words<'a> {
    /// The key in a file.
    key: &'a str,
    variable: &'a str,
    example: &'a str,
    /// What is expected of a URL with a user and a password.
    without_credentials: &'a str,
}

/// The URL that spans go to as Zipkin's JSON.
#[cfg(feature = "zipkin")]
pub(super) fn zipkin(url: &str, problems: &mut ConfigError) -> Option<Uri> {
    let words = Words {
        key: "otelier/zipkin.endpoint",
        variable: "OTEL_EXPORTER_ZIPKIN_ENDPOINT",
        example: "http://localhost:9411/api/v2/spans",
        without_credentials: "a URL without credentials",
    };
    checked(&words, url, problems)
}

fn words(variable: &str) -> Words<'_> {
    Words {
        key: "endpoint",
        variable,
        example: "http://localhost:4318",
        without_credentials: "a URL without credentials; put them in `headers` (`OTEL_EXPORTER_OTLP_HEADERS`)",
    }
}

fn checked(words: &Words<'_>, given: &str, problems: &mut ConfigError) -> Option<Uri> {
    url(given).map_err(|wrong| refuse(words, given, wrong, problems)).ok()
}

fn refuse(words: &Words<'_>, given: &str, wrong: Wrong, problems: &mut ConfigError) {
    let Words { key, variable, example, .. } = words;
    let given = printable(without_credentials(given).as_bytes());
    let expected = match wrong {
        Wrong::Url => &format!("a URL such as `{example}`"),
        Wrong::Credentials => words.without_credentials,
        Wrong::Port => "a port from 1 to 65535",
        Wrong::Socket => SOCKET,
        Wrong::NoSockets => NO_SOCKETS,
    };
    problems.push(format_args!("`{key}` (`{variable}`) is `{given}`; expected {expected}"));
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

/// The headers of requests. Messages never show a value, which may be a secret.
pub(crate) fn headers(given: &Headers, problems: &mut ConfigError) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for pair in given.text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let Some((key, value)) = pair.split_once('=') else {
            problems.push(format_args!("an entry of {LIST} has no `=`; expected `key1=value1,key2=value2`"));
            continue;
        };
        let (key, value) = (key.trim(), percent_decoded(value.trim()));
        if let Some((name, value)) = header(LIST, key, value.as_deref(), problems) {
            headers.append(name, value);
        }
    }
    let mut own = HeaderMap::new();
    for (key, value) in &given.pairs {
        if let Some((name, value)) = header(PAIRS, key, Some(value), problems) {
            own.append(name, value);
        }
    }
    // A name that is given both ways has the values of the pairs.
    headers.extend(own);
    headers
}

/// How messages speak of the headers in one text, and of those in pairs.
const LIST: &str = "`headers_list` (`OTEL_EXPORTER_OTLP_HEADERS`)";
const PAIRS: &str = "`headers`";

fn header(
    setting: &str,
    key: &str,
    value: Option<&str>,
    problems: &mut ConfigError,
) -> Option<(HeaderName, HeaderValue)> {
    let Ok(name) = HeaderName::from_bytes(key.as_bytes()) else {
        let key = printable(key.as_bytes());
        problems.push(format_args!("`{key}` in {setting} is not the name of an HTTP header"));
        return None;
    };
    if RESERVED.contains(&name.as_str()) || name.as_str().starts_with("grpc-") {
        problems.push(format_args!(
            "`{name}` in {setting} is set by the exporter itself; expected headers such as `api-key`"
        ));
        return None;
    }
    let Some(mut value) = value.and_then(|value| HeaderValue::from_str(value).ok()) else {
        let more = match setting {
            LIST => ", others percent-encoded",
            // Who passes credentials as such sees what he passed, not a header.
            _ if name == AUTHORIZATION => {
                ": a token that is not empty and ends without a line break, or a user without a colon and a password"
            }
            _ => "",
        };
        problems.push(format_args!(
            "the value of `{key}` in {setting} is not that of an HTTP header; expected visible characters{more}"
        ));
        return None;
    };
    value.set_sensitive(true);
    Some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Tls;

    fn url_of(service: Service, otlp: Otlp) -> Result<String, String> {
        let mut problems = ConfigError::default();
        endpoint(service, &otlp, &mut problems).map(|place| place.uri.to_string()).ok_or(problems.to_string())
    }

    fn url(otlp: Otlp) -> Result<String, String> {
        url_of(Service::Traces, otlp)
    }

    #[test]
    fn http_appends_the_signals_path_to_the_base_only() {
        assert_eq!(url(Otlp::default()).unwrap(), "http://localhost:4318/v1/traces");
        assert_eq!(url(Otlp::to("http://host:1/base/")).unwrap(), "http://host:1/base/v1/traces");
        assert_eq!(url(Otlp::to_exactly("http://host:2/custom")).unwrap(), "http://host:2/custom");
        assert_eq!(url(Otlp::to("http://host:1/base?tenant=a#part")).unwrap(), "http://host:1/base/v1/traces?tenant=a");
        assert_eq!(url(Otlp::to("http://[::1]:4318")).unwrap(), "http://[::1]:4318/v1/traces");
    }

    #[test]
    fn what_is_shown_of_a_url_has_neither_a_user_nor_a_query() {
        let shown = |url: &'static str| Place::from(Uri::from_static(url)).shown();
        assert_eq!(shown("http://host:1/v1/traces?key=secret"), "http://host:1/v1/traces?…");
        assert_eq!(shown("http://host:1/v1/traces"), "http://host:1/v1/traces");
        let debug = format!("{:?}", Otlp::to("http://user:secret?@host?key=secret"));
        assert!(!debug.contains("secret") && debug.contains("http://…@host?…"), "{debug}");
    }

    #[test]
    fn every_signal_has_a_path_of_its_own() {
        assert_eq!(url_of(Service::Logs, Otlp::default()).unwrap(), "http://localhost:4318/v1/logs");
        assert_eq!(url_of(Service::Metrics, Otlp::default()).unwrap(), "http://localhost:4318/v1/metrics");
        let base = Otlp::to("http://host:1/base/?a=b").with_protocol(Protocol::HttpJson);
        assert_eq!(url_of(Service::Logs, base).unwrap(), "http://host:1/base/v1/logs?a=b");
        let exact = Otlp::to_exactly("http://logs:3/custom");
        assert_eq!(url_of(Service::Logs, exact).unwrap(), "http://logs:3/custom");
        let error = url_of(Service::Logs, Otlp::to_exactly("logs")).unwrap_err();
        assert!(error.contains("`endpoint` (`OTEL_EXPORTER_OTLP_LOGS_ENDPOINT`) is `logs`"), "{error}");
    }

    #[test]
    fn grpc_has_its_own_port_and_no_path() {
        let grpc = Otlp::default().with_protocol(Protocol::Grpc);
        assert_eq!(url(grpc).unwrap(), "http://localhost:4317/");
    }

    #[test]
    fn grpc_without_a_scheme_is_secure_unless_it_is_said_to_be_insecure() {
        let grpc = Otlp::to("collector:4317").with_protocol(Protocol::Grpc);
        assert_eq!(url(grpc.clone()).unwrap(), "https://collector:4317/");
        assert_eq!(url(grpc.with_tls(Tls::default().with_insecure(true))).unwrap(), "http://collector:4317/");
        let exact = Otlp::to_exactly("[::1]:1").with_protocol(Protocol::Grpc);
        assert_eq!(url(exact).unwrap(), "https://[::1]:1/");
    }

    #[test]
    fn a_host_gets_the_port_of_the_transport_unless_it_has_one() {
        let at = |host: &str, protocol| {
            url(Otlp { endpoint: Some(Endpoint::Host(host.to_owned())), ..Otlp::default() }.with_protocol(protocol))
        };
        for (host, http, grpc) in [
            ("otel", "http://otel:4318/v1/traces", "http://otel:4317/"),
            ("otel:9", "http://otel:9/v1/traces", "http://otel:9/"),
            ("10.0.0.1", "http://10.0.0.1:4318/v1/traces", "http://10.0.0.1:4317/"),
            ("::1", "http://[::1]:4318/v1/traces", "http://[::1]:4317/"),
            ("[::1]", "http://[::1]:4318/v1/traces", "http://[::1]:4317/"),
            ("[::1]:9", "http://[::1]:9/v1/traces", "http://[::1]:9/"),
        ] {
            assert_eq!(at(host, Protocol::HttpJson).as_deref(), Ok(http));
            assert_eq!(at(host, Protocol::Grpc).as_deref(), Ok(grpc));
        }
        for wrong in ["", "a b", "otel:0", "otel:x", "user:secret@otel"] {
            let error = at(wrong, Protocol::HttpProtobuf).unwrap_err();
            assert!(error.contains("expected") && !error.contains("secret"), "{wrong}: {error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_socket_takes_requests_for_the_signals_path_however_it_is_named() {
        let place = |otlp: Otlp| endpoint(Service::Logs, &otlp, &mut ConfigError::default()).expect("a place");
        for otlp in [Otlp::to("unix:///run/otel.sock"), Otlp::to_exactly("unix:/run/otel.sock")] {
            let http = place(otlp.clone());
            assert_eq!(
                (http.uri.to_string(), http.shown()),
                ("http://localhost/v1/logs".into(), "unix:///run/otel.sock".into())
            );
            let grpc = place(otlp.with_protocol(Protocol::Grpc));
            assert_eq!((grpc.uri.to_string(), grpc.socket), ("http://localhost/".into(), http.socket));
        }
        for wrong in ["unix:", "unix:otel.sock", "unix://host/otel.sock"] {
            let error = url(Otlp::to(wrong)).unwrap_err();
            assert!(error.ends_with("expected a socket such as `unix:///run/otel.sock`"), "{error}");
        }
    }

    #[test]
    fn unusable_endpoints_are_refused_with_what_is_expected() {
        for (given, expected) in [
            ("localhost:4318", "expected a URL such as"),
            ("ftp://host", "expected a URL such as"),
            ("http://", "expected a URL such as"),
            ("http://user:secret@host", "put them in `headers` (`OTEL_EXPORTER_OTLP_HEADERS`)"),
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

    fn of(text: &str) -> Headers {
        Otlp::default().with_headers(text).headers
    }

    #[test]
    fn pairs_are_sent_as_they_are_and_win_over_the_text() {
        let otlp = Otlp::default().with_headers("a=1,b=2").with_header("B", "%20").with_header("c", "x");
        let mut problems = ConfigError::default();
        let parsed = headers(&otlp.headers, &mut problems);
        assert_eq!(
            (&parsed["a"], &parsed["c"], parsed.len()),
            (&HeaderValue::from(1), &HeaderValue::from_static("x"), 3)
        );
        assert_eq!(parsed.get_all("b").iter().collect::<Vec<_>>(), ["%20"]);
        let wrong =
            Otlp::default().with_header("k", "secret\n").with_header("a b", "secret").with_header("te", "secret");
        assert!(headers(&wrong.headers, &mut problems).is_empty());
        assert_eq!(
            problems.problems(),
            [
                "the value of `k` in `headers` is not that of an HTTP header; expected visible characters",
                "`a b` in `headers` is not the name of an HTTP header",
                "`te` in `headers` is set by the exporter itself; expected headers such as `api-key`",
            ]
        );
        assert!(!problems.to_string().contains("secret") && !format!("{wrong:?}").contains("secret"));
    }

    #[test]
    fn credentials_that_cannot_be_sent_are_refused_without_being_shown() {
        for otlp in [
            Otlp::default().with_bearer_token("s3cr3t\n"),
            Otlp::default().with_bearer_token(" "),
            Otlp::default().with_basic_auth("us:er", "s3cr3t"),
            Otlp::default().with_basic_auth("user", "s3cr3t\0"),
        ] {
            let mut problems = ConfigError::default();
            assert!(headers(&otlp.headers, &mut problems).is_empty());
            let text = problems.to_string();
            assert!(text.contains("`authorization` in `headers` is not that of an HTTP header"), "{text}");
            assert!(text.contains("a user without a colon") && !text.contains("s3cr3t"), "{text}");
        }
        let mut problems = ConfigError::default();
        let parsed = headers(&Otlp::default().with_basic_auth("", "pässword").headers, &mut problems);
        assert_eq!(
            (&parsed["authorization"], problems.problems().len()),
            (&HeaderValue::from_static("Basic OnDDpHNzd29yZA=="), 0)
        );
        assert!(parsed["authorization"].is_sensitive());
    }

    #[test]
    fn headers_that_frame_the_request_are_refused() {
        for name in RESERVED.iter().chain(&["Content-Length", "grpc-timeout"]) {
            let mut problems = ConfigError::default();
            assert!(headers(&of(&format!("{name}=12345")), &mut problems).is_empty());
            let text = problems.to_string();
            assert!(text.contains("is set by the exporter itself") && !text.contains("12345"), "{text}");
        }
    }

    #[test]
    fn headers_are_decoded_and_mistakes_do_not_show_values() {
        let mut problems = ConfigError::default();
        let parsed = headers(&of("api-key=a%20b, x=1,"), &mut problems);
        assert_eq!(parsed["api-key"], "a b");
        assert_eq!((parsed.len(), problems.problems().len()), (2, 0));
        headers(&of("novalue,bad name=secret1,k=secret2%0a,k=%zz"), &mut problems);
        assert_eq!(problems.problems().len(), 4);
        assert_eq!(
            problems.problems()[0],
            "an entry of `headers_list` (`OTEL_EXPORTER_OTLP_HEADERS`) has no `=`; expected `key1=value1,key2=value2`"
        );
        assert!(!problems.to_string().contains("secret"));
    }
}
