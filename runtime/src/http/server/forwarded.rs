//! Who sent a request, and whom it is for, behind proxies.
//!
//! What a proxy says is believed as far as it is known that a proxy says it: from the connection's other end backwards, each
//! address that a trusted one names is trusted if it is in a trusted network itself, and the first that is not is the client.

use ::http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The header that your proxies write the addresses of clients to.
///
/// Only one is read: a proxy that writes one of them passes on the others as the client sent them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProxyHeader {
    /// `X-Forwarded-For`, with `X-Forwarded-Host` and `X-Forwarded-Proto`.
    XForwardedFor,
    /// `Forwarded` as of RFC 7239.
    Forwarded,
    /// `X-Real-IP`, which names one address, with `X-Forwarded-Host` and `X-Forwarded-Proto`.
    XRealIp,
}

/// A text that names no network, given to [`with_trusted_proxies`](super::ServerLayer::with_trusted_proxies).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotANetwork(String);

impl fmt::Display for NotANetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text) = self;
        write!(
            f,
            "`{text}` is no network: write an address as in `10.0.0.7`, or a network as in `10.0.0.0/8` or `fd00::/8`"
        )
    }
}

impl std::error::Error for NotANetwork {}

/// The proxies that are believed.
#[derive(Clone, Debug)]
pub(super) struct Proxies {
    header: ProxyHeader,
    networks: Vec<IpNet>,
}

impl Proxies {
    pub(super) fn new<T: AsRef<str>>(
        header: ProxyHeader,
        networks: impl IntoIterator<Item = T>,
    ) -> Result<Self, NotANetwork> {
        let network = |text: T| {
            let text = text.as_ref().trim();
            let net = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
            net.map(unmapped).map_err(|_| NotANetwork(text.to_owned()))
        };
        let networks = networks.into_iter().map(network).collect::<Result<_, _>>()?;
        Ok(Self { header, networks })
    }

    fn trust(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }
}

/// Addresses of IPv4 inside of IPv6 are compared as those of IPv4.
fn unmapped(network: IpNet) -> IpNet {
    let mapped = |network: ipnet::Ipv6Net| {
        let prefix = network.prefix_len().checked_sub(96)?;
        ipnet::Ipv4Net::new(network.addr().to_ipv4_mapped()?, prefix).ok()
    };
    match network {
        IpNet::V6(v6) => mapped(v6).map_or(network, IpNet::V4),
        IpNet::V4(_) => network,
    }
}

/// Where a request comes from, and what it was before proxies changed it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Origin<'a> {
    pub(super) client: Option<IpAddr>,
    pub(super) host: Option<&'a str>,
    pub(super) scheme: Option<&'static str>,
}

/// The most proxies that are looked at.
const MOST_HOPS: usize = 32;

impl<'a> Origin<'a> {
    pub(super) fn find(peer: Option<IpAddr>, headers: &'a HeaderMap, proxies: Option<&Proxies>) -> Self {
        let peer = peer.map(|peer| peer.to_canonical());
        let direct = Self { client: peer, ..Self::default() };
        let Some((peer, proxies)) = peer.zip(proxies).filter(|(peer, proxies)| proxies.trust(*peer)) else {
            return direct;
        };
        if proxies.header == ProxyHeader::Forwarded {
            return Self::forwarded(peer, headers, proxies);
        }
        let client = match proxies.header {
            ProxyHeader::XRealIp => only(headers, "x-real-ip").and_then(address).unwrap_or(peer),
            _ => {
                let mut client = peer;
                for address in from_right(headers, "x-forwarded-for").take(MOST_HOPS).map(address) {
                    let Some(address) = address else { break };
                    client = address;
                    if !proxies.trust(address) {
                        break;
                    }
                }
                client
            }
        };
        // The last one is of the proxy that is nearest.
        let host = from_right(headers, "x-forwarded-host").next().filter(|host| !host.is_empty());
        let scheme = from_right(headers, "x-forwarded-proto").next().and_then(scheme);
        Self { client: Some(client), host, scheme }
    }

    fn forwarded(peer: IpAddr, headers: &'a HeaderMap, proxies: &Proxies) -> Self {
        let mut origin = Self { client: Some(peer), ..Self::default() };
        for element in from_right(headers, "forwarded").take(MOST_HOPS) {
            // What the proxy says that is furthest away of those that are trusted.
            origin.host = parameter(element, "host").or(origin.host);
            origin.scheme = parameter(element, "proto").and_then(scheme).or(origin.scheme);
            let Some(address) = parameter(element, "for").and_then(address) else { break };
            origin.client = Some(address);
            if !proxies.trust(address) {
                break;
            }
        }
        origin
    }
}

/// The value of a header that came once.
fn only<'a>(headers: &'a HeaderMap, name: &'static str) -> Option<&'a str> {
    let mut all = headers.get_all(HeaderName::from_static(name)).iter();
    let first = all.next().filter(|_| all.next().is_none())?;
    text(first)
}

/// The text of a header's value.
pub(super) fn text(value: &HeaderValue) -> Option<&str> {
    std::str::from_utf8(value.as_bytes()).ok()
}

/// The elements of a list in all headers of a name, the last one first.
fn from_right<'a>(headers: &'a HeaderMap, name: &'static str) -> impl Iterator<Item = &'a str> {
    let all = headers.get_all(HeaderName::from_static(name)).iter().rev();
    // What is no text is an element that says nothing, and ends what is believed.
    all.flat_map(|value| FromRight(Some(text(value).unwrap_or_default())))
}

/// The elements of a list, the last one first. Read from the right, quotes that do not end belong to what strangers wrote.
struct FromRight<'a>(Option<&'a str>);

impl<'a> Iterator for FromRight<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let list = self.0?;
        let bytes = list.as_bytes();
        let mut quoted = false;
        for at in (0..bytes.len()).rev() {
            match bytes[at] {
                // A backslash may be escaped itself.
                b'"' if bytes[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 0 => {
                    quoted = !quoted
                }
                b',' if !quoted => {
                    self.0 = Some(&list[..at]);
                    return Some(list[at + 1..].trim());
                }
                _ => {}
            }
        }
        self.0 = None;
        Some(list.trim())
    }
}

/// The value of a parameter, without quotes. A `;` in quotes is part of a value, which a stranger may have chosen.
fn parameter<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    let (mut quoted, mut escaped) = (false, false);
    let mut pairs = element.split(|c| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => return c == ';' && !quoted,
        }
        false
    });
    pairs.find_map(|pair| {
        let (found, value) = pair.split_once('=')?;
        found.trim().eq_ignore_ascii_case(name).then(|| unquoted(value))
    })
}

fn unquoted(value: &str) -> &str {
    let value = value.trim();
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

/// The address in `203.0.113.7`, `203.0.113.7:4711`, `2001:db8::1` or `[2001:db8::1]:4711`; nothing of `unknown`, or of a name that
/// hides an address.
fn address(value: &str) -> Option<IpAddr> {
    let value = unquoted(value);
    let in_brackets = || value.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    let address = value.parse().ok().or_else(in_brackets);
    let address = address.or_else(|| value.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.map(|address| address.to_canonical())
}

/// A scheme that is known.
fn scheme(value: &str) -> Option<&'static str> {
    ["http", "https", "ws", "wss"].into_iter().find(|known| known.eq_ignore_ascii_case(value))
}

/// The host and the port of an authority; nothing of what cannot be one.
pub(super) fn host_and_port(authority: &str) -> Option<(&str, Option<u16>)> {
    const LONGEST: usize = 253 + 6;
    let authority = authority.trim();
    if authority.is_empty() || authority.len() > LONGEST {
        return None;
    }
    let (host, rest) = match authority.strip_prefix('[') {
        Some(inside) => {
            let (host, rest) = inside.split_once(']')?;
            host.parse::<Ipv6Addr>().ok()?;
            (host, rest)
        }
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~' | b'%' | b':');
    if host.is_empty() || !host.bytes().all(is_good) {
        return None;
    }
    match rest.strip_prefix(':') {
        None => rest.is_empty().then_some((host, None)),
        Some("") => Some((host, None)),
        Some(port) => {
            let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
            let port = port.parse().ok().filter(|_| is_number)?;
            Some((host, Some(port)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(header: ProxyHeader, peer: &str, lines: &[(&'static str, &str)]) -> String {
        let proxies = Proxies::new(header, ["10.0.0.0/8", "fd00::/8", "192.0.2.1"]).unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let origin = Origin::find(Some(peer.parse().unwrap()), &headers, Some(&proxies));
        format!("{} {:?} {:?}", origin.client.unwrap(), origin.host, origin.scheme)
    }

    #[test]
    fn the_client_is_the_rightmost_address_that_is_not_trusted() {
        let by = |peer, value: &str| {
            let all = client(ProxyHeader::XForwardedFor, peer, &[("x-forwarded-for", value)]);
            all.split(' ').next().unwrap().to_owned()
        };
        assert_eq!(by("203.0.113.9", "1.2.3.4"), "203.0.113.9");
        assert_eq!(by("10.0.0.1", "6.6.6.6, 1.2.3.4"), "1.2.3.4");
        assert_eq!(by("10.0.0.1", "6.6.6.6, 1.2.3.4, 10.2.2.2,192.0.2.1"), "1.2.3.4");
        assert_eq!(by("::ffff:10.0.0.1", "1.2.3.4:555"), "1.2.3.4");
        assert_eq!(by("fd00::1", "[2001:db8::7]:80"), "2001:db8::7");
        assert_eq!(by("10.0.0.1", "10.0.0.3, 10.0.0.2"), "10.0.0.3");
        // Nothing is believed beyond what cannot be read.
        for nonsense in ["unknown", "_hidden", "", " , ", "1.2.3", "1.2.3.4.5", "\"", "ä", "<script>", "999.1.1.1"] {
            assert_eq!(by("10.0.0.1", &format!("6.6.6.6, {nonsense}, 10.0.0.2")), "10.0.0.2", "{nonsense}");
            assert_eq!(by("10.0.0.1", nonsense), "10.0.0.1", "{nonsense}");
        }
    }

    #[test]
    fn only_the_chosen_header_is_read() {
        let lines = [
            ("x-forwarded-for", "1.1.1.1"),
            ("x-forwarded-for", "2.2.2.2"),
            (
                "forwarded",
                r#"for=9.9.9.9;host=evil.example, for="[2001:db8::1]:4711";proto=HTTPS;host="a.example:8443", For=10.0.0.4"#,
            ),
            ("x-real-ip", "3.3.3.3"),
            ("x-forwarded-host", "b.example"),
            ("x-forwarded-proto", "http, https"),
        ];
        assert_eq!(
            client(ProxyHeader::XForwardedFor, "10.0.0.1", &lines),
            r#"2.2.2.2 Some("b.example") Some("https")"#
        );
        assert_eq!(
            client(ProxyHeader::Forwarded, "10.0.0.1", &lines),
            r#"2001:db8::1 Some("a.example:8443") Some("https")"#
        );
        assert_eq!(client(ProxyHeader::XRealIp, "10.0.0.1", &lines), r#"3.3.3.3 Some("b.example") Some("https")"#);
        assert_eq!(client(ProxyHeader::Forwarded, "4.4.4.4", &lines), "4.4.4.4 None None");
    }

    #[test]
    fn quotes_that_do_not_end_are_the_strangers() {
        let lines = [("forwarded", r#"for="6.6.6.6, for=1.2.3.4, for=10.0.0.2"#)];
        assert_eq!(client(ProxyHeader::Forwarded, "10.0.0.1", &lines), "1.2.3.4 None None");
    }

    #[test]
    fn what_stands_in_quotes_names_nobody() {
        // A proxy writes the `Host` of a stranger into quotes.
        for (line, expected) in [
            (r#"host="x;for=6.6.6.6;y";for=1.2.3.4"#, "1.2.3.4"),
            (r#"for=6.6.6.6, for=1.2.3.4;host="x\\""#, "1.2.3.4"),
            (r#"for=6.6.6.6, host="x\";for=6.6.6.6;";for=1.2.3.4"#, "1.2.3.4"),
            (r#"for=6.6.6.6, for=1.2.3.4;host="x\", for=6.6.6.6""#, "1.2.3.4"),
            (r#"for=6.6.6.6, for=1.2.3.4;host="x, for=6.6.6.6""#, "1.2.3.4"),
            (r#"for=6.6.6.6, for=1.2.3.4;host="x\\\\\\", for=10.0.0.2"#, "1.2.3.4"),
        ] {
            let found = client(ProxyHeader::Forwarded, "10.0.0.1", &[("forwarded", line)]);
            assert_eq!(found.split(' ').next(), Some(expected), "{line}");
        }
    }

    #[test]
    fn quotes_are_read_in_one_go() {
        // As many backslashes and quotes as fit into a header, which take no time that grows with their square.
        let line = format!("for=6.6.6.6, {}, for=1.2.3.4", "\\".repeat(30_000) + &"\"".repeat(30_000));
        assert_eq!(client(ProxyHeader::Forwarded, "10.0.0.1", &[("forwarded", &line)]), "1.2.3.4 None None");
    }

    #[test]
    fn networks_of_ipv4_inside_of_ipv6_are_those_of_ipv4() {
        for network in ["::ffff:10.0.0.0/104", "::ffff:10.0.0.1", "10.0.0.1"] {
            let proxies = Proxies::new(ProxyHeader::XForwardedFor, [network]).unwrap();
            for peer in ["10.0.0.1", "::ffff:10.0.0.1"] {
                assert!(proxies.trust(peer.parse::<IpAddr>().unwrap().to_canonical()), "{network} {peer}");
            }
            assert!(!proxies.trust("11.0.0.1".parse().unwrap()) && !proxies.trust("::1".parse().unwrap()));
        }
        let all = Proxies::new(ProxyHeader::XForwardedFor, ["::/0"]).unwrap();
        assert!(all.trust("2001:db8::1".parse().unwrap()));
    }

    #[test]
    fn an_endless_chain_is_not_followed() {
        let lines = [("x-forwarded-for", &*format!("6.6.6.6, {}", vec!["10.0.0.2"; 5000].join(",")))];
        assert_eq!(client(ProxyHeader::XForwardedFor, "10.0.0.1", &lines), "10.0.0.2 None None");
    }

    #[test]
    fn an_authority_is_a_host_and_perhaps_a_port() {
        assert_eq!(host_and_port("a.example"), Some(("a.example", None)));
        assert_eq!(host_and_port("a.example:80"), Some(("a.example", Some(80))));
        assert_eq!(host_and_port("[::1]:8080"), Some(("::1", Some(8080))));
        assert_eq!(host_and_port("[::1]"), Some(("::1", None)));
        for nonsense in ["", ":80", "a:99999", "a:+1", "user:pw@a", "a b", "[::1", "[x]:1", "a/b", "ä", "::1"] {
            assert_eq!(host_and_port(nonsense), None, "{nonsense}");
        }
        assert_eq!(host_and_port(&"a".repeat(300)), None);
    }
}
