//! What the span of a request begins with.

use super::forwarded::{Origin, host_and_port, text};
use super::settings::{RequestHead, Settings};
use crate::attribute::{Slot, Target};
use crate::http::{url, words};
use crate::record::{Callsite, ServedRequest};
use crate::schema::http::{ServerRequest, ServerUnmatched};
use crate::schema::{Kind, Schema};
use ::http::header;
use otelier_spec::MAX_ATTRIBUTES;
use std::fmt::{self, Write};
use std::net::{IpAddr, SocketAddr};

/// Requests that a route took. The name is that of the schema: method and route.
static ROUTED: Site =
    Site::new(Callsite { keys: OWN, given: true, ..Callsite::declared::<ServerRequest>("HTTP", u128::MAX) });
/// Those of which no route is known.
static UNMATCHED: Site =
    Site::new(Callsite { keys: OWN, given: true, ..Callsite::declared::<ServerUnmatched>("HTTP", u128::MAX) });

/// Attributes that the schemas do not have.
const OWN: &[&str] = &[DISCONNECTED, REQUEST_CONTENT, REQUEST_CUT, RESPONSE_CONTENT, RESPONSE_CUT];
pub(super) const DISCONNECTED: &str = "otelier.http.disconnected";
pub(super) const REQUEST_CONTENT: &str = "otelier.http.request.body.content";
pub(super) const REQUEST_CUT: &str = "otelier.http.request.body.truncated";
pub(super) const RESPONSE_CONTENT: &str = "otelier.http.response.body.content";
pub(super) const RESPONSE_CUT: &str = "otelier.http.response.body.truncated";

/// A call site, and where its schema has the attributes.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) callsite: Callsite,
    method: u16,
    method_original: u16,
    route: u16,
    path: u16,
    query: u16,
    scheme: u16,
    host: u16,
    port: u16,
    client: u16,
    peer: u16,
    peer_port: u16,
    version: u16,
    agent: u16,
    pub(super) request_size: u16,
    pub(super) response_size: u16,
    pub(super) status: u16,
    pub(super) error: u16,
}

impl Site {
    const fn new(callsite: Callsite) -> Self {
        Self {
            method: index(&callsite, "http.request.method"),
            method_original: index(&callsite, "http.request.method_original"),
            route: index(&callsite, "http.route"),
            path: index(&callsite, "url.path"),
            query: index(&callsite, "url.query"),
            scheme: index(&callsite, "url.scheme"),
            host: index(&callsite, "server.address"),
            port: index(&callsite, "server.port"),
            client: index(&callsite, "client.address"),
            peer: index(&callsite, "network.peer.address"),
            peer_port: index(&callsite, "network.peer.port"),
            version: index(&callsite, "network.protocol.version"),
            agent: index(&callsite, "user_agent.original"),
            request_size: index(&callsite, "http.request.body.size"),
            response_size: index(&callsite, "http.response.body.size"),
            status: index(&callsite, "http.response.status_code"),
            error: index(&callsite, "error.type"),
            callsite,
        }
    }
}

/// The index of an attribute of the call site, or one that none has.
const fn index(callsite: &Callsite, name: &str) -> u16 {
    let Some(schema) = callsite.schema else { return u16::MAX };
    let mut at = 0;
    while at < schema.attributes.len() {
        if is_same(schema.attributes[at].name, name) {
            return at as u16;
        }
        at += 1;
    }
    let mut own = 0;
    while own < callsite.keys.len() {
        if is_same(callsite.keys[own], name) {
            return (MAX_ATTRIBUTES + own) as u16;
        }
        own += 1;
    }
    u16::MAX
}

const fn is_same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}

/// A request whose span begins.
pub(super) struct Begins<'a> {
    pub(super) head: RequestHead<'a>,
    pub(super) route: Option<&'a str>,
    pub(super) settings: &'a Settings,
    /// The other end of the connection, as a function of the user says.
    peer: Option<SocketAddr>,
    pub(super) site: &'static Site,
}

impl<'a> Begins<'a> {
    pub(super) fn new(head: RequestHead<'a>, route: Option<&'a str>, settings: &'a Settings) -> Self {
        let site = if route.is_some() { &ROUTED } else { &UNMATCHED };
        let peer = settings.peer.as_ref().and_then(|peer| peer(&head));
        Self { head, route, settings, peer, site }
    }

    /// The name, if it is another one than the schema's.
    pub(super) fn other_name(&self) -> Option<String> {
        words::method(self.head.method).1.is_some().then(|| self.name())
    }
}

/// The name of a span.
pub(super) fn name(head: &RequestHead<'_>, route: Option<&str>) -> String {
    let method = match words::method(head.method) {
        (_, Some(_)) => "HTTP",
        (method, None) => method,
    };
    match route {
        Some(route) => format!("{method} {route}"),
        None => method.to_owned(),
    }
}

impl ServedRequest for Begins<'_> {
    const MOST: usize = 14;

    fn name(&self) -> String {
        name(&self.head, self.route)
    }

    fn attributes(&self, to: &dyn Target) {
        let Self { head, route, settings, site, .. } = self;
        let uri = head.whole_uri();
        let str = |index, text: &str| Slot::new(to, index).str(text);
        let int = |index, number| Slot::new(to, index).int(number);

        let (method, original) = words::method(head.method);
        str(site.method, method);
        if let Some(original) = original {
            str(site.method_original, original);
        }
        if let Some(route) = route {
            str(site.route, route);
        }
        str(site.path, uri.path());
        if let Some(query) = uri.query() {
            str(site.query, &url::query(query));
        }

        let peer = if settings.peer.is_some() { self.peer } else { head.peer() };
        let origin = Origin::find(peer.map(|peer| peer.ip()), head.headers, settings.proxies.as_ref());
        str(site.scheme, origin.scheme.or(uri.scheme_str()).unwrap_or(settings.scheme));
        let named = || {
            let host = || head.headers.get(header::HOST).and_then(text);
            uri.authority().map(|authority| authority.as_str()).or_else(host)
        };
        if let Some((host, port)) = origin.host.or_else(named).and_then(host_and_port) {
            str(site.host, host);
            if let Some(port) = port {
                int(site.port, i64::from(port));
            }
        }
        if settings.addresses {
            if let Some(client) = origin.client {
                str(site.client, Text::of_address(client).as_str());
            }
            if let Some(peer) = peer {
                str(site.peer, Text::of_address(peer.ip().to_canonical()).as_str());
                int(site.peer_port, i64::from(peer.port()));
            }
        }
        if let Some(version) = words::version(head.version) {
            str(site.version, version);
        }
        if let Some(agent) = head.headers.get(header::USER_AGENT).and_then(text) {
            str(site.agent, agent);
        }
        if let Some(size) = content_length(head.headers) {
            int(site.request_size, size);
        }
    }
}

/// What `content-length` says, if it says one number.
pub(super) fn content_length(headers: &::http::HeaderMap) -> Option<i64> {
    let length = text(headers.get(header::CONTENT_LENGTH)?)?;
    length.bytes().all(|byte| byte.is_ascii_digit()).then(|| length.parse().ok()).flatten()
}

/// A short text without memory of its own.
struct Text {
    bytes: [u8; 48],
    length: usize,
}

impl Text {
    /// An address takes 45 bytes at most.
    fn of_address(address: IpAddr) -> Self {
        let mut text = Self { bytes: [0; 48], length: 0 };
        // What does not fit is left out; an address fits.
        let _ = match address {
            IpAddr::V4(address) => {
                let [a, b, c, d] = address.octets();
                text.number(a).dot().number(b).dot().number(c).dot().number(d);
                Ok(())
            }
            IpAddr::V6(address) => write!(text, "{address}"),
        };
        text
    }

    fn byte(&mut self, byte: u8) {
        self.bytes[self.length] = byte;
        self.length += 1;
    }

    fn dot(&mut self) -> &mut Self {
        self.byte(b'.');
        self
    }

    fn number(&mut self, number: u8) -> &mut Self {
        if number >= 100 {
            self.byte(b'0' + number / 100);
        }
        if number >= 10 {
            self.byte(b'0' + number / 10 % 10);
        }
        self.byte(b'0' + number % 10);
        self
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let to = self.bytes.get_mut(self.length..self.length + text.len()).ok_or(fmt::Error)?;
        to.copy_from_slice(text.as_bytes());
        self.length += text.len();
        Ok(())
    }
}

const _: () =
    assert!(matches!(ServerRequest::DEF.kind, Kind::Server) && matches!(ServerUnmatched::DEF.kind, Kind::Server));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attribute_has_a_place() {
        for site in [&ROUTED, &UNMATCHED] {
            let places = [
                site.method,
                site.method_original,
                site.path,
                site.query,
                site.scheme,
                site.host,
                site.port,
                site.client,
                site.peer,
                site.peer_port,
                site.version,
                site.agent,
                site.request_size,
                site.response_size,
                site.status,
                site.error,
            ];
            assert!(places.iter().all(|place| site.callsite.key(*place).is_some()), "{places:?}");
        }
        assert_eq!(ROUTED.callsite.key(ROUTED.route), Some("http.route"));
    }

    #[test]
    fn addresses_are_written_as_the_standard_library_does() {
        for address in [
            "0.0.0.0",
            "255.255.255.255",
            "10.1.20.103",
            "2001:db8::1",
            "::",
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        ] {
            let parsed: IpAddr = address.parse().unwrap();
            assert_eq!(Text::of_address(parsed).as_str(), address);
        }
    }
}
