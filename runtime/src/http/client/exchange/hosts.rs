//! Which exchange a host belongs to.

use std::sync::Arc;

/// Domains of exchanges, each with what is below it: APIs of spot and futures markets, and test networks.
const KNOWN: [(&str, &str); 38] = [
    ("binance.com", "binance"),
    ("binance.us", "binance"),
    ("binance.vision", "binance"),
    ("binancefuture.com", "binance"),
    ("bitfinex.com", "bitfinex"),
    ("bitflyer.com", "bitflyer"),
    ("bitget.com", "bitget"),
    ("bithumb.com", "bithumb"),
    ("bitmex.com", "bitmex"),
    ("bitstamp.net", "bitstamp"),
    ("bybit.com", "bybit"),
    ("bybit.eu", "bybit"),
    ("bytick.com", "bybit"),
    ("coinbase.com", "coinbase"),
    ("crypto.com", "crypto_com"),
    ("deribit.com", "deribit"),
    ("dydx.exchange", "dydx"),
    ("dydx.trade", "dydx"),
    ("gate.com", "gate"),
    ("gate.io", "gate"),
    ("gateapi.io", "gate"),
    ("gateio.ws", "gate"),
    ("gemini.com", "gemini"),
    ("hbdm.com", "htx"),
    ("htx.com", "htx"),
    ("huobi.com", "htx"),
    ("huobi.pro", "htx"),
    ("hyperliquid-testnet.xyz", "hyperliquid"),
    ("hyperliquid.xyz", "hyperliquid"),
    ("kraken.com", "kraken"),
    ("kucoin.com", "kucoin"),
    ("mexc.com", "mexc"),
    ("okex.com", "okx"),
    ("okx.com", "okx"),
    ("phemex.com", "phemex"),
    ("poloniex.com", "poloniex"),
    ("upbit.com", "upbit"),
    ("whitebit.com", "whitebit"),
];

/// The exchange that a host belongs to, as `crypto.market` has it: `binance` for `api.binance.com`.
///
/// A host belongs to a domain if it is that, or ends with it after a dot; case and one dot at the end mean nothing. So
/// `evilbinance.com` and `api.binance.com.evil.org` belong to nobody here.
///
/// ```
/// use otelier::http::exchange::of_host;
///
/// assert_eq!(of_host("fapi.binance.com"), Some("binance"));
/// assert_eq!(of_host("API.Kraken.COM."), Some("kraken"));
/// assert_eq!(of_host("evilbinance.com"), None);
/// assert_eq!(of_host("api.binance.com.evil.org"), None);
/// ```
pub fn of_host(host: &str) -> Option<&'static str> {
    KNOWN.iter().find(|(domain, _)| belongs(host, domain)).map(|(_, name)| *name)
}

/// Whether the host is the domain or below it.
fn belongs(host: &str, domain: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).as_bytes();
    let Some(before) = host.len().checked_sub(domain.len()) else { return false };
    host[before..].eq_ignore_ascii_case(domain.as_bytes())
        // Something is before the dot, which begins with no dot itself.
        && (before == 0 || before > 1 && host[before - 1] == b'.' && host[before - 2] != b'.')
}

/// Hosts and the exchanges they belong to: [those that are known](of_host), and your own before them.
///
/// ```
/// use otelier::http::exchange::Exchanges;
///
/// let exchanges = Exchanges::new().with("mirror.example.org", "binance").with("dex.example", "my_dex");
/// assert_eq!(exchanges.of_host("eu.mirror.example.org"), Some("binance"));
/// assert_eq!(exchanges.of_host("api.kraken.com"), Some("kraken"));
/// assert_eq!(Exchanges::none().of_host("api.kraken.com"), None);
/// ```
#[derive(Clone, Debug)]
pub struct Exchanges {
    own: Arc<[(Box<str>, Arc<str>)]>,
    known: bool,
}

impl Default for Exchanges {
    fn default() -> Self {
        Self::new()
    }
}

impl Exchanges {
    /// Those that are known.
    pub fn new() -> Self {
        Self { own: Arc::new([]), known: true }
    }

    /// No host belongs to an exchange.
    pub fn none() -> Self {
        Self { own: Arc::new([]), known: false }
    }

    /// Adds a host, with everything below it, and the name of its exchange. The first that fits counts. A scheme, a port, a path,
    /// brackets around an address, and `*.` before a name are left away: they mean nothing here.
    pub fn with(self, host: impl Into<String>, exchange: impl Into<String>) -> Self {
        let host = host.into();
        let new = (name_of(&host).into(), exchange.into().into());
        Self { own: self.own.iter().cloned().chain([new]).collect(), known: self.known }
    }

    /// The exchange that a host belongs to.
    pub fn of_host(&self, host: &str) -> Option<&str> {
        let own = self.own.iter().find(|(domain, _)| !domain.is_empty() && belongs(host, domain));
        own.map(|(_, name)| &**name).or_else(|| of_host(host).filter(|_| self.known))
    }

    pub(in crate::http) fn market(&self, host: &str) -> Option<Market> {
        let own = self.own.iter().find(|(domain, _)| !domain.is_empty() && belongs(host, domain));
        let own = own.map(|(_, name)| Market::Own(Arc::clone(name)));
        own.or_else(|| of_host(host).filter(|_| self.known).map(Market::Known))
    }
}

/// The name or the address in what somebody wrote for a host.
fn name_of(text: &str) -> &str {
    let text = text.trim().split_once("://").map_or(text.trim(), |(_, rest)| rest);
    let text = text.split(['/', '?', '#']).next().unwrap_or_default();
    let text = text.rsplit_once('@').map_or(text, |(_, host)| host);
    let host = match text.strip_prefix('[') {
        Some(inside) => inside.split(']').next().unwrap_or_default(),
        // An address of IPv6 without brackets has no port.
        None => text.split_once(':').filter(|(_, port)| !port.contains(':')).map_or(text, |(host, _)| host),
    };
    host.strip_prefix('*').unwrap_or(host).trim_matches('.')
}

/// The name of an exchange.
#[derive(Clone, Debug)]
pub(in crate::http) enum Market {
    Known(&'static str),
    Own(Arc<str>),
}

impl Market {
    pub(in crate::http) fn name(&self) -> &str {
        match self {
            Self::Known(name) => name,
            Self::Own(name) => name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_exchanges_are_known() {
        for (host, exchange) in [
            ("api.binance.com", "binance"),
            ("api4.binance.com", "binance"),
            ("dapi.binance.com", "binance"),
            ("data-api.binance.vision", "binance"),
            ("testnet.binancefuture.com", "binance"),
            ("api.binance.us", "binance"),
            ("api-public.sandbox.exchange.coinbase.com", "coinbase"),
            ("futures.kraken.com", "kraken"),
            ("api-testnet.bybit.com", "bybit"),
            ("www.okx.com", "okx"),
            ("api-pub.bitfinex.com", "bitfinex"),
            ("api.gateio.ws", "gate"),
            ("api.huobi.pro", "htx"),
            ("www.bitstamp.net", "bitstamp"),
            ("test.deribit.com", "deribit"),
            ("api.crypto.com", "crypto_com"),
        ] {
            assert_eq!(of_host(host), Some(exchange), "{host}");
        }
    }

    #[test]
    fn a_name_belongs_to_an_exchange_on_borders_of_labels_only() {
        for host in [
            "",
            ".",
            "com",
            "evilbinance.com",
            "-binance.com",
            "api.binance.com.evil.org",
            "binance.com:443",
            ".binance.com",
            "..binance.com",
            "binance.com..",
            "binance.co",
            "éinance.com",
            "user@binance.com",
            "binance.com@evil.org",
        ] {
            assert_eq!(of_host(host), None, "{host}");
        }
    }

    #[test]
    fn every_exchange_is_a_value_of_the_attribute() {
        use crate::attribute::EnumAttribute;
        for (domain, exchange) in KNOWN {
            assert!(crate::schema::crypto::Market::VALUES.contains(&exchange), "{domain}: {exchange}");
        }
    }

    #[test]
    fn own_hosts_come_first() {
        let exchanges = Exchanges::new().with("api.binance.com", "mine").with("", "nobody");
        assert_eq!(exchanges.of_host("API.binance.com."), Some("mine"));
        assert_eq!(exchanges.of_host("fapi.binance.com"), Some("binance"));
        assert_eq!(exchanges.of_host("example.org"), None);
    }
}
