//! Exchanges and their limits: which exchange a host belongs to, and how much of what it allows is used.

mod headers;
mod hosts;
mod limits;

pub(in crate::http) use headers::read;
pub(in crate::http) use hosts::Market;
pub use hosts::{Exchanges, of_host};
pub use limits::{RateLimit, RateLimits};

/// Kinds of attributes that a query of an exchange's API can hold, if its value is of a form that can be one.
pub(in crate::http) fn symbol_and_interval(query: &str) -> (Option<&str>, Option<&str>) {
    const SYMBOLS: [&str; 6] = ["symbol", "pair", "instId", "product_id", "instrument_name", "currency_pair"];
    const INTERVALS: [&str; 6] = ["interval", "granularity", "bar", "timeframe", "resolution", "period"];
    let is_plain = |value: &&str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:".contains(&byte);
        !value.is_empty() && value.len() <= 32 && value.bytes().all(is_plain)
    };
    let find = |names: &[&str]| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(name, _)| names.contains(name)).map(|(_, value)| value).find(is_plain)
    };
    (find(&SYMBOLS), find(&INTERVALS))
}

#[cfg(test)]
mod tests {
    use super::symbol_and_interval;

    #[test]
    fn only_what_looks_like_a_symbol_is_one() {
        assert_eq!(symbol_and_interval("symbol=BTCUSDT&interval=1m"), (Some("BTCUSDT"), Some("1m")));
        assert_eq!(symbol_and_interval("instId=BTC-USDT&bar=1H&x"), (Some("BTC-USDT"), Some("1H")));
        assert_eq!(symbol_and_interval("symbol=%22drop&interval="), (None, None));
        assert_eq!(symbol_and_interval(&format!("symbol={}", "A".repeat(33))), (None, None));
        assert_eq!(symbol_and_interval(""), (None, None));
    }
}
