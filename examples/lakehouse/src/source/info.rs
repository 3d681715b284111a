//! Reading answers of the exchange's REST API out of recordings.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Book, Market, Row, upsert};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Info<'a> {
    server_time: i64,
    rate_limits: Vec<RateLimit>,
    #[serde(borrow)]
    symbols: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RateLimit {
    rate_limit_type: String,
    interval: String,
    interval_num: u32,
    limit: u32,
}

#[derive(Deserialize)]
struct Named {
    symbol: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Depth {
    last_update_id: i64,
    bids: Vec<[String; 2]>,
    asks: Vec<[String; 2]>,
}

#[derive(Deserialize)]
struct TradeKey {
    a: i64,
    #[serde(rename = "T")]
    time: i64,
}

/// Adds the answer to one request; returns whether the endpoint is one that the replay serves.
pub fn add_answer(market: &mut Market, path: &str, query: &str, body: &str) -> Result<bool, serde_json::Error> {
    let parameter = |name: &str| {
        let pair = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name);
        pair.map(|(_, value)| value)
    };
    match (path.rsplit('/').next().unwrap_or_default(), parameter("symbol")) {
        ("exchangeInfo", _) => add_info(market, body)?,
        ("depth", Some(symbol)) => add_book(market, symbol, body)?,
        ("aggTrades", Some(symbol)) => add_trades(market, symbol, body)?,
        ("klines", Some(symbol)) => add_klines(market, symbol, parameter("interval").unwrap_or("1m"), body)?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// The newest exchangeInfo gives limits and time; entries of older ones only fill gaps.
fn add_info(market: &mut Market, body: &str) -> Result<(), serde_json::Error> {
    let info: Info<'_> = serde_json::from_str(body)?;
    let newest = info.server_time > market.server_time;
    if newest {
        market.server_time = info.server_time;
        let per_minute = |limit: &&RateLimit| limit.rate_limit_type == "REQUEST_WEIGHT" && limit.interval == "MINUTE";
        if let Some(limit) = info.rate_limits.iter().find(per_minute) {
            market.weight_limit = limit.limit / limit.interval_num.max(1);
        }
    }
    for raw in info.symbols {
        let named: Named = serde_json::from_str(raw.get())?;
        let known = &mut market.symbols.entry(named.symbol).or_default().info;
        if newest || known.is_none() {
            *known = Some(raw.get().to_owned());
        }
    }
    Ok(())
}

/// Of several snapshots the deepest is kept, because a short one is only its beginning.
fn add_book(market: &mut Market, symbol: &str, body: &str) -> Result<(), serde_json::Error> {
    let depth: Depth = serde_json::from_str(body)?;
    let book = Book { last_update_id: depth.last_update_id, bids: depth.bids, asks: depth.asks };
    let known = &mut market.symbols.entry(symbol.to_owned()).or_default().book;
    if known.as_ref().is_none_or(|known| known.bids.len() < book.bids.len()) {
        *known = Some(book);
    }
    Ok(())
}

fn add_trades(market: &mut Market, symbol: &str, body: &str) -> Result<(), serde_json::Error> {
    let rows: Vec<&RawValue> = serde_json::from_str(body)?;
    let trades = &mut market.symbols.entry(symbol.to_owned()).or_default().trades;
    for raw in rows {
        let TradeKey { a: key, time } = serde_json::from_str(raw.get())?;
        upsert(trades, Row { key, time, json: raw.get().to_owned() });
    }
    Ok(())
}

fn add_klines(market: &mut Market, symbol: &str, interval: &str, body: &str) -> Result<(), serde_json::Error> {
    let rows: Vec<&RawValue> = serde_json::from_str(body)?;
    let symbol = market.symbols.entry(symbol.to_owned()).or_default();
    let klines = symbol.klines.entry(interval.to_owned()).or_default();
    for raw in rows {
        let columns: Vec<&RawValue> = serde_json::from_str(raw.get())?;
        let open_time = columns.first().map_or("", |column| column.get());
        let key = serde_json::from_str(open_time)?;
        upsert(klines, Row { key, time: key, json: raw.get().to_owned() });
    }
    Ok(())
}
