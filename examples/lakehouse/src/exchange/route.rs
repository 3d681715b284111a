//! The endpoints: their weights and their answers.

use super::query::Query;
use crate::source::{Book, Market, Row, SymbolData};

/// A request that the exchange refuses with 400.
#[derive(Debug, PartialEq)]
pub struct Refused {
    /// The exchange's number of the error.
    pub code: i32,
    /// The exchange's text.
    pub message: String,
}

/// What a request costs, by the exchange's documentation of 2021; nothing for an unknown path.
pub fn weight(path: &str, query: &Query) -> Option<u32> {
    Some(match path {
        "/api/v3/klines" | "/api/v3/aggTrades" => 1,
        "/api/v3/exchangeInfo" => 10,
        "/api/v3/depth" => match query.get("limit").and_then(|limit| limit.parse::<u32>().ok()).unwrap_or(100) {
            0..=100 => 1,
            101..=500 => 5,
            501..=1_000 => 10,
            _ => 50,
        },
        _ => return None,
    })
}

/// The body of the answer.
///
/// # Errors
///
/// [`Refused`] with the exchange's own code and text, such as -1121 for an unknown symbol.
pub fn answer(market: &Market, weight_limit: u32, path: &str, query: &Query) -> Result<String, Refused> {
    match path {
        "/api/v3/exchangeInfo" => exchange_info(market, weight_limit, query),
        "/api/v3/depth" => depth(symbol(market, query)?.book.as_ref(), limit(query, 100, 5_000)?),
        "/api/v3/klines" => {
            let data = symbol(market, query)?;
            let rows = data.klines.get(interval(query)?).map_or(&[][..], Vec::as_slice);
            let (from, to) = (number(query, "startTime")?, number(query, "endTime")?);
            Ok(array(window(rows, |row| row.time, from, to, limit(query, 500, 1_000)?)))
        }
        _ => {
            let data = symbol(market, query)?;
            let limit = limit(query, 500, 1_000)?;
            let rows = match number(query, "fromId")? {
                Some(id) => window(&data.trades, |row| row.key, Some(id), None, limit),
                None => {
                    let (from, to) = (number(query, "startTime")?, number(query, "endTime")?);
                    window(&data.trades, |row| row.time, from, to, limit)
                }
            };
            Ok(array(rows))
        }
    }
}

fn refused(code: i32, message: impl Into<String>) -> Refused {
    Refused { code, message: message.into() }
}

fn symbol<'m>(market: &'m Market, query: &Query) -> Result<&'m SymbolData, Refused> {
    let mandatory = || refused(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.");
    let name = query.get("symbol").ok_or_else(mandatory)?;
    market.symbols.get(name).ok_or_else(|| refused(-1121, "Invalid symbol."))
}

fn number(query: &Query, name: &str) -> Result<Option<i64>, Refused> {
    let illegal =
        || refused(-1100, format!("Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'."));
    query.get(name).map(|text| text.parse::<i64>().ok().filter(|number| *number >= 0).ok_or_else(illegal)).transpose()
}

fn limit(query: &Query, default: usize, most: usize) -> Result<usize, Refused> {
    let given = number(query, "limit")?.map_or(default, |limit| usize::try_from(limit).unwrap_or(most));
    Ok(given.clamp(1, most))
}

fn interval(query: &Query) -> Result<&str, Refused> {
    const KNOWN: [&str; 15] =
        ["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M"];
    let mandatory = || refused(-1102, "Mandatory parameter 'interval' was not sent, was empty/null, or malformed.");
    let interval = query.get("interval").ok_or_else(mandatory)?;
    if KNOWN.contains(&interval) { Ok(interval) } else { Err(refused(-1120, "Invalid interval.")) }
}

/// The first rows from `from` on, or, without it, the last ones up to `to`.
fn window<'r>(
    rows: &'r [Row],
    key: fn(&Row) -> i64,
    from: Option<i64>,
    to: Option<i64>,
    limit: usize,
) -> impl Iterator<Item = &'r Row> + use<'r> {
    let inside = |row: &Row| from.is_none_or(|from| key(row) >= from) && to.is_none_or(|to| key(row) <= to);
    let found: Vec<&Row> = rows.iter().filter(|row| inside(row)).collect();
    let skip = if from.is_some() { 0 } else { found.len().saturating_sub(limit) };
    found.into_iter().skip(skip).take(limit)
}

fn array<'r>(rows: impl Iterator<Item = &'r Row>) -> String {
    let rows: Vec<&str> = rows.map(|row| row.json.as_str()).collect();
    format!("[{}]", rows.join(","))
}

fn depth(book: Option<&Book>, limit: usize) -> Result<String, Refused> {
    let empty = Book::default();
    let book = book.unwrap_or(&empty);
    let side = |levels: &[[String; 2]]| {
        let levels = levels.iter().take(limit).map(|[price, quantity]| format!(r#"["{price}","{quantity}"]"#));
        levels.collect::<Vec<_>>().join(",")
    };
    let (id, bids, asks) = (book.last_update_id, side(&book.bids), side(&book.asks));
    Ok(format!(r#"{{"lastUpdateId":{id},"bids":[{bids}],"asks":[{asks}]}}"#))
}

fn exchange_info(market: &Market, weight_limit: u32, query: &Query) -> Result<String, Refused> {
    let one = query.get("symbol").map(|name| vec![name.to_owned()]);
    let several = query.get("symbols").map(serde_json::from_str::<Vec<String>>).transpose();
    let several = several.map_err(|_| refused(-1100, "Illegal characters found in parameter 'symbols'."))?;
    let entries: Vec<&str> = match one.or(several) {
        Some(names) => {
            let entry = |name: &String| market.symbols.get(name).ok_or_else(|| refused(-1121, "Invalid symbol."));
            let found: Result<Vec<&SymbolData>, Refused> = names.iter().map(entry).collect();
            found?.into_iter().filter_map(|data| data.info.as_deref()).collect()
        }
        None => market.symbols.values().filter_map(|data| data.info.as_deref()).collect(),
    };
    Ok(format!(
        r#"{{"timezone":"UTC","serverTime":{},"rateLimits":[{{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":{weight_limit}}}],"exchangeFilters":[],"symbols":[{}]}}"#,
        market.server_time,
        entries.join(",")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::generate;

    fn get(path: &str, query: &str) -> Result<serde_json::Value, Refused> {
        let body = answer(&generate(7), 1_200, path, &Query::parse(query))?;
        Ok(serde_json::from_str(&body).expect("answers are JSON"))
    }

    #[test]
    fn weights_are_those_the_exchange_documents() {
        let weight = |path: &str, query: &str| weight(path, &Query::parse(query));
        assert_eq!(weight("/api/v3/klines", "limit=1000"), Some(1));
        assert_eq!(weight("/api/v3/aggTrades", ""), Some(1));
        assert_eq!(weight("/api/v3/exchangeInfo", ""), Some(10));
        let depths = ["5", "100", "500", "1000", "5000"].map(|n| weight("/api/v3/depth", &format!("limit={n}")));
        assert_eq!(depths, [Some(1), Some(1), Some(5), Some(10), Some(50)]);
        assert_eq!(weight("/api/v3/ping", ""), None);
    }

    #[test]
    fn an_unknown_symbol_is_refused_in_the_exchanges_words() {
        let refused = get("/api/v3/klines", "symbol=BOGUS&interval=1m").unwrap_err();
        assert_eq!(refused, Refused { code: -1121, message: "Invalid symbol.".into() });
        assert_eq!(get("/api/v3/depth", "").unwrap_err().code, -1102);
        assert_eq!(get("/api/v3/klines", "symbol=BTCUSDT&interval=7m").unwrap_err().code, -1120);
        assert_eq!(get("/api/v3/aggTrades", "symbol=BTCUSDT&limit=x").unwrap_err().code, -1100);
    }

    #[test]
    fn candlesticks_come_in_pages_from_the_end() {
        let last = get("/api/v3/klines", "symbol=BTCUSDT&interval=1m&limit=2").unwrap();
        let first_of_last = last[0][0].as_i64().unwrap();
        let query = format!("symbol=BTCUSDT&interval=1m&limit=2&endTime={}", first_of_last - 1);
        let before = get("/api/v3/klines", &query).unwrap();
        assert_eq!(before.as_array().map(Vec::len), Some(2));
        assert_eq!(before[1][0].as_i64().unwrap() + 60_000, first_of_last);
    }

    #[test]
    fn depth_and_exchange_info_have_the_exchanges_shape() {
        let depth = get("/api/v3/depth", "symbol=ETHUSDT&limit=5").unwrap();
        assert_eq!(depth["bids"].as_array().map(Vec::len), Some(5));
        let info = get("/api/v3/exchangeInfo", "symbols=%5B%22BTCUSDT%22,%22ETHUSDT%22%5D").unwrap();
        assert_eq!(info["symbols"][1]["symbol"], "ETHUSDT");
        assert_eq!(info["rateLimits"][0]["limit"], 1_200);
        assert_eq!(get("/api/v3/exchangeInfo", "").unwrap()["symbols"].as_array().map(Vec::len), Some(8));
    }
}
