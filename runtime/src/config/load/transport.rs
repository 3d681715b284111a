//! How an exporter reaches its receiver.

use super::cursor::Cursor;
use super::{Findings, presets};
use crate::config::{Compression, Endpoint, Otlp, OtlpFile, OutputStream, Protocol, Tls, Zipkin};

/// How the receiver of this name is reached, if it is one of OTLP.
pub(super) fn receiver(name: &str, cursor: &Cursor<'_>, findings: &mut Findings) -> Option<Otlp> {
    match name {
        "otlp_http" => Some(http(cursor, findings)),
        "otlp_grpc" => Some(grpc(cursor, findings)),
        _ => presets::receiver(name, cursor, findings),
    }
}

fn http(cursor: &Cursor<'_>, findings: &mut Findings) -> Otlp {
    let mut otlp = otlp(cursor, false, findings);
    let json = cursor.get("encoding").and_then(|encoding| encoding.text()) == Some("json");
    otlp.protocol = if json { Protocol::HttpJson } else { Protocol::HttpProtobuf };
    otlp
}

fn grpc(cursor: &Cursor<'_>, findings: &mut Findings) -> Otlp {
    let mut otlp = otlp(cursor, true, findings);
    otlp.protocol = Protocol::Grpc;
    otlp
}

/// Says where a URL stands that cannot be used, before an exporter finds out.
#[cfg(feature = "_otlp")]
pub(super) fn check_url(endpoint: &Cursor<'_>, is_grpc: bool, credentials: &str, findings: &mut Findings) {
    use crate::config::url::{NO_SOCKETS, SOCKET, Wrong, socket, url};
    use crate::config::{Origin, without_credentials};
    let given = endpoint.text().unwrap_or_default();
    // gRPC may leave the scheme out.
    let socket = socket(given);
    let whole = if socket.is_none() && is_grpc && !given.is_empty() && !given.contains("://") {
        format!("https://{given}")
    } else {
        given.to_owned()
    };
    let Err(wrong) = socket.map_or_else(|| url(&whole).map(drop), |socket| socket.map(drop)) else { return };
    let expected = match wrong {
        Wrong::Url if is_grpc => "a URL such as `http://localhost:4317`",
        Wrong::Url => "a URL such as `http://localhost:4318`",
        Wrong::Credentials => &format!("a URL without credentials; put them in {credentials}"),
        Wrong::Port => "a port from 1 to 65535",
        Wrong::Socket => SOCKET,
        Wrong::NoSockets => NO_SOCKETS,
    };
    // What a variable says for all signals has the path of one behind it.
    let of_all = matches!(&endpoint.node().origin, Origin::Variable(name) if !name.contains("_TRACES_") && !name.contains("_LOGS_") && !name.contains("_METRICS_"));
    let paths = ["/v1/traces", "/v1/logs", "/v1/metrics"];
    let (url, query) = given.split_at(given.find('?').unwrap_or(given.len()));
    let url = paths.iter().filter(|_| of_all).find_map(|path| url.strip_suffix(path)).unwrap_or(url);
    let said = without_credentials(&format!("{url}{query}"));
    let shown: String = said.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    endpoint.expected(&shown, expected, findings);
}

fn otlp(cursor: &Cursor<'_>, is_grpc: bool, findings: &mut Findings) -> Otlp {
    #[cfg(not(feature = "_otlp"))]
    let _ = is_grpc;
    #[cfg(feature = "_otlp")]
    if let Some(endpoint) = cursor.get("endpoint") {
        check_url(&endpoint, is_grpc, "`headers` (`OTEL_EXPORTER_OTLP_HEADERS`)", findings);
    }
    let endpoint = cursor.get("endpoint").and_then(|url| url.text()).map(|url| Endpoint::Exact(url.to_owned()));
    let mut otlp = Otlp { endpoint, ..Otlp::default() };
    for header in cursor.items("headers") {
        let name = header.get("name").and_then(|name| name.text());
        // One without a value is passed over, as the schema says.
        let value = header.get("value").and_then(|value| value.text());
        otlp.headers.pairs.extend(name.zip(value).map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
    if let Some(list) = cursor.get("headers_list").and_then(|list| list.text()) {
        otlp.headers.text = list.to_owned();
    }
    if let Some(size) = cursor.get("max_request_size").and_then(|size| size.size()) {
        otlp.max_request_size = size;
    }
    if let Some(size) = cursor.get("max_response_size").and_then(|size| size.size()) {
        otlp.max_response_size = size;
    }
    common(cursor, &mut otlp, findings);
    otlp
}

/// What receivers by their names have, too.
pub(super) fn common(cursor: &Cursor<'_>, otlp: &mut Otlp, findings: &mut Findings) {
    if let Some(timeout) = cursor.get("timeout").and_then(|timeout| timeout.milliseconds()) {
        otlp.timeout = timeout;
    }
    if let Some(compression) = cursor.get("compression") {
        match compression.text() {
            Some("gzip") => otlp.compression = Compression::Gzip,
            Some("zstd") => otlp.compression = Compression::Zstd,
            Some("none") | None => {}
            Some(other) => compression.expected(other, "`gzip`, `zstd` or `none`", findings),
        }
    }
    if let Some(tls) = cursor.get("tls") {
        otlp.tls = Tls::default();
        otlp.tls.ca_file = tls.get("ca_file").and_then(|file| file.file());
        otlp.tls.cert_file = tls.get("cert_file").and_then(|file| file.file());
        otlp.tls.key_file = tls.get("key_file").and_then(|file| file.file());
        otlp.tls.insecure = tls.get("insecure").and_then(|insecure| insecure.bool()).unwrap_or(false);
    }
}

pub(super) fn file(cursor: &Cursor<'_>, findings: &mut Findings) -> Option<OtlpFile> {
    let mut file = OtlpFile::default();
    let Some(output) = cursor.get("output_stream") else { return Some(file) };
    let text = output.text().unwrap_or_default();
    match OutputStream::parse(text) {
        Some(stream) => file.output = stream,
        None => {
            output.expected(text, "`stdout`, or `file://` and an absolute path", findings);
            return None;
        }
    }
    Some(file)
}

pub(super) fn zipkin(cursor: &Cursor<'_>) -> Zipkin {
    let mut zipkin = Zipkin::default();
    if let Some(endpoint) = cursor.get("endpoint").and_then(|endpoint| endpoint.text()) {
        zipkin.endpoint = endpoint.to_owned();
    }
    if let Some(timeout) = cursor.get("timeout").and_then(|timeout| timeout.milliseconds()) {
        zipkin.timeout = timeout;
    }
    zipkin
}
