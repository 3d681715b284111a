//! Requests to the exchange.

use std::net::SocketAddr;

use otelier::prelude::*;

/// One request: its endpoint, and what it is about.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// Path of the endpoint.
    pub template: &'static str,
    /// Kind of data it returns.
    pub data_type: DataType,
    /// Trading pair, where it is about one.
    pub symbol: Option<&'a str>,
    /// Length of a candlestick, where it is about them.
    pub timeframe: Option<Timeframe>,
    query: String,
}

impl<'a> Request<'a> {
    /// Symbols and limits of the exchange.
    pub fn exchange_info() -> Self {
        Self::new("/api/v3/exchangeInfo", DataType::ExchangeInfo, None, String::new())
    }

    /// The last `limit` candlesticks that opened up to `end`, in milliseconds since 1970.
    pub fn klines(symbol: &'a str, timeframe: Timeframe, interval: &str, limit: usize, end: Option<i64>) -> Self {
        let end = end.map_or(String::new(), |end| format!("&endTime={end}"));
        let query = format!("symbol={symbol}&interval={interval}&limit={limit}{end}");
        Self { timeframe: Some(timeframe), ..Self::new("/api/v3/klines", DataType::Klines, Some(symbol), query) }
    }

    /// The last `limit` aggregated trades.
    pub fn agg_trades(symbol: &'a str, limit: usize) -> Self {
        let query = format!("symbol={symbol}&limit={limit}");
        Self::new("/api/v3/aggTrades", DataType::Trades, Some(symbol), query)
    }

    /// The best `limit` levels of both sides of the order book.
    pub fn depth(symbol: &'a str, limit: usize) -> Self {
        let query = format!("symbol={symbol}&limit={limit}");
        Self::new("/api/v3/depth", DataType::OrderBook, Some(symbol), query)
    }

    fn new(template: &'static str, data_type: DataType, symbol: Option<&'a str>, query: String) -> Self {
        Self { template, data_type, symbol, timeframe: None, query }
    }

    /// The whole URL.
    pub fn url(&self, exchange: SocketAddr) -> String {
        let mark = if self.query.is_empty() { "" } else { "?" };
        format!("http://{exchange}{}{mark}{}", self.template, self.query)
    }
}
