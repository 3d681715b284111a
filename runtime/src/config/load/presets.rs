//! Receivers by their names: `otelier/collector` and its like.

use super::Findings;
use super::cursor::Cursor;
use super::transport;
use crate::config::{Otlp, Protocol};

/// How the receiver of this name is reached, if there is one.
pub(super) fn receiver(name: &str, cursor: &Cursor<'_>, findings: &mut Findings) -> Option<Otlp> {
    let text = |key: &str| cursor.get(key).and_then(|text| text.text());
    // The word has been checked.
    let protocol = match text("protocol") {
        Some("grpc") => Protocol::Grpc,
        Some("http/json") => Protocol::HttpJson,
        _ => Protocol::HttpProtobuf,
    };
    let endpoint = text("endpoint").unwrap_or("localhost");
    let mut otlp = match name {
        "otelier/collector" => Otlp::collector(endpoint),
        "otelier/jaeger" => Otlp::jaeger(endpoint),
        "otelier/tempo" => Otlp::tempo(endpoint),
        "otelier/datadog_agent" => Otlp::datadog_agent(endpoint),
        "otelier/openobserve" => {
            let (organization, stream) =
                (text("organization").unwrap_or("default"), text("stream").unwrap_or("default"));
            match protocol {
                Protocol::Grpc => Otlp::open_observe_grpc(endpoint, organization, stream),
                _ => Otlp::open_observe(endpoint, organization, stream),
            }
        }
        _ => return None,
    };
    otlp = otlp.with_protocol(protocol);
    #[cfg(feature = "_otlp")]
    if let Some(given) = cursor.get("endpoint") {
        check_endpoint(&given, name == "otelier/openobserve", protocol == Protocol::Grpc, findings);
    }
    if let Some(tenant) = text("tenant") {
        otlp = otlp.with_header("X-Scope-OrgID", tenant);
    }
    if let Some((user, password)) = text("user").zip(text("password")) {
        otlp = otlp.with_basic_auth(user, password);
    }
    if let Some(token) = text("token") {
        otlp = otlp.with_bearer_token(token);
    }
    transport::common(cursor, &mut otlp, findings);
    Some(otlp)
}

/// A URL, or a host for which it is made.
#[cfg(feature = "_otlp")]
fn check_endpoint(endpoint: &Cursor<'_>, must_be_url: bool, is_grpc: bool, findings: &mut Findings) {
    let given = endpoint.text().unwrap_or_default();
    let is_url = given.contains("://") || given.starts_with("unix:");
    if must_be_url && (!is_url || given.starts_with("unix:")) {
        let shown = crate::config::without_credentials(given);
        return endpoint.expected(&shown, "a URL such as `http://localhost:5080`", findings);
    }
    if !is_url && given.parse::<std::net::Ipv6Addr>().is_ok() {
        return;
    }
    // Over gRPC a host alone is right, too.
    transport::check_url(endpoint, is_grpc || !is_url, "`user` and `password`, or `token`", findings);
}
