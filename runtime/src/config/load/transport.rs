//! How an exporter reaches its receiver.

use super::Findings;
use super::cursor::Cursor;
use crate::config::{Compression, Endpoint, Otlp, OtlpFile, OutputStream, Protocol, Tls, Zipkin};

pub(super) fn http(cursor: &Cursor<'_>, findings: &mut Findings) -> Otlp {
    let mut otlp = otlp(cursor, findings);
    let json = cursor.get("encoding").and_then(|encoding| encoding.text()) == Some("json");
    otlp.protocol = if json { Protocol::HttpJson } else { Protocol::HttpProtobuf };
    otlp
}

pub(super) fn grpc(cursor: &Cursor<'_>, findings: &mut Findings) -> Otlp {
    let mut otlp = otlp(cursor, findings);
    otlp.protocol = Protocol::Grpc;
    otlp
}

fn otlp(cursor: &Cursor<'_>, findings: &mut Findings) -> Otlp {
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
    if let Some(timeout) = cursor.get("timeout").and_then(|timeout| timeout.milliseconds()) {
        otlp.timeout = timeout;
    }
    if let Some(size) = cursor.get("max_request_size").and_then(|size| size.size()) {
        otlp.max_request_size = size;
    }
    if let Some(size) = cursor.get("max_response_size").and_then(|size| size.size()) {
        otlp.max_response_size = size;
    }
    if let Some(compression) = cursor.get("compression") {
        match compression.text() {
            Some("gzip") => otlp.compression = Compression::Gzip,
            Some("none") | None => {}
            Some(other) => compression.expected(other, "`gzip` or `none`", findings),
        }
    }
    if let Some(tls) = cursor.get("tls") {
        otlp.tls = Tls::default();
        otlp.tls.ca_file = tls.get("ca_file").and_then(|file| file.file());
        otlp.tls.cert_file = tls.get("cert_file").and_then(|file| file.file());
        otlp.tls.key_file = tls.get("key_file").and_then(|file| file.file());
        otlp.tls.insecure = tls.get("insecure").and_then(|insecure| insecure.bool()).unwrap_or(false);
    }
    otlp
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
