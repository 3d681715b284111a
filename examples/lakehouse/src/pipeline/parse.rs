//! From the exchange's JSON to typed rows. Prices are text there, so that no digit is lost on the way.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::client::ExchangeError;

/// One candlestick.
#[derive(Clone, Debug, PartialEq)]
pub struct Kline {
    /// Start of the interval, in milliseconds since 1970.
    pub open_time: i64,
    /// First price.
    pub open: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price.
    pub close: f64,
    /// Volume in the base currency.
    pub volume: f64,
    /// End of the interval, in milliseconds since 1970.
    pub close_time: i64,
    /// Volume in the quote currency.
    pub quote_volume: f64,
    /// Number of trades.
    pub trade_count: i64,
    /// Volume bought by takers, in the base currency.
    pub taker_buy_volume: f64,
}

/// One aggregated trade.
#[derive(Clone, Debug, PartialEq)]
pub struct Trade {
    /// Number of the trade, rising by one.
    pub id: i64,
    /// Price.
    pub price: f64,
    /// Quantity in the base currency.
    pub quantity: f64,
    /// When it happened, in milliseconds since 1970.
    pub time: i64,
    /// Whether the buyer's order was in the book, so that the seller took the price.
    pub buyer_is_maker: bool,
}

/// One level of an order book.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// Whether buyers wait there; otherwise sellers do.
    pub is_bid: bool,
    /// 0 for the best price of the side.
    pub rank: i64,
    /// Price.
    pub price: f64,
    /// Quantity in the base currency.
    pub quantity: f64,
    /// The number of the last change the snapshot contains.
    pub last_update_id: i64,
}

/// Reads a whole answer.
///
/// # Errors
///
/// [`ExchangeError::InvalidJson`] if it has another shape.
pub fn answer<T: DeserializeOwned>(body: &RawValue) -> Result<T, ExchangeError> {
    serde_json::from_str(body.get())
        .map_err(|error| ExchangeError::InvalidJson { bytes: body.get().len(), reason: error.to_string() })
}

/// The time a candlestick opened, without reading the rest of it.
pub fn open_time(row: &RawValue) -> Option<i64> {
    let inner = row.get().trim_start().strip_prefix('[')?;
    inner.split(',').next()?.trim().parse().ok()
}

/// Reads one candlestick; nothing if a column is missing or is no number.
pub fn kline(row: &RawValue) -> Option<Kline> {
    type Columns<'a> = (i64, &'a str, &'a str, &'a str, &'a str, &'a str, i64, &'a str, i64, &'a str, &'a str, &'a str);
    let columns: Columns<'_> = serde_json::from_str(row.get()).ok()?;
    Some(Kline {
        open_time: columns.0,
        open: decimal(columns.1)?,
        high: decimal(columns.2)?,
        low: decimal(columns.3)?,
        close: decimal(columns.4)?,
        volume: decimal(columns.5)?,
        close_time: columns.6,
        quote_volume: decimal(columns.7)?,
        trade_count: columns.8,
        taker_buy_volume: decimal(columns.9)?,
    })
}

#[derive(Deserialize)]
struct TradeRow<'a> {
    a: i64,
    p: &'a str,
    q: &'a str,
    #[serde(rename = "T")]
    time: i64,
    m: bool,
}

/// Reads one trade; nothing if a field is missing or is no number.
pub fn trade(row: &RawValue) -> Option<Trade> {
    let row: TradeRow<'_> = serde_json::from_str(row.get()).ok()?;
    let (price, quantity) = (decimal(row.p)?, decimal(row.q)?);
    Some(Trade { id: row.a, price, quantity, time: row.time, buyer_is_maker: row.m })
}

/// Reads one level; nothing if a column is missing or is no number.
pub fn level(row: &RawValue) -> Option<Level> {
    let columns: (&str, i64, (&str, &str), i64) = serde_json::from_str(row.get()).ok()?;
    let is_bid = match columns.0 {
        "bid" => true,
        "ask" => false,
        _ => return None,
    };
    let (price, quantity) = (decimal(columns.2.0)?, decimal(columns.2.1)?);
    Some(Level { is_bid, rank: columns.1, price, quantity, last_update_id: columns.3 })
}

fn decimal(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}
