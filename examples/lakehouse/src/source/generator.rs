//! A seeded generator of plausible market data.
//!
//! Prices walk at random around a level that fits the pair. A few rows are damaged on purpose, as happens with real
//! feeds, so that validation has something to find.

use std::collections::BTreeMap;

use super::{Book, Market, Origin, Row, SymbolData};
use crate::rng::Rng;

/// Pairs the generator knows: name, base, quote, price level, and daily volume in the base currency.
const PAIRS: [(&str, &str, &str, f64, f64); 8] = [
    ("ADAUSDT", "ADA", "USDT", 2.15, 90_000_000.0),
    ("BNBUSDT", "BNB", "USDT", 412.0, 1_300_000.0),
    ("BTCUSDT", "BTC", "USDT", 57_484.0, 53_000.0),
    ("DOGEUSDT", "DOGE", "USDT", 0.228, 900_000_000.0),
    ("DOTUSDT", "DOT", "USDT", 34.8, 6_000_000.0),
    ("ETHUSDT", "ETH", "USDT", 3_545.0, 420_000.0),
    ("SOLUSDT", "SOL", "USDT", 146.0, 3_500_000.0),
    ("XRPUSDT", "XRP", "USDT", 1.14, 500_000_000.0),
];

/// Midnight of 2021-10-12 UTC: the generated day, always the same so that runs can be compared.
pub const DAY_START_MS: i64 = 1_633_996_800_000;
const MINUTE_MS: i64 = 60_000;
const MINUTES: i64 = 24 * 60;
const TRADES: i64 = 1_000;
const LEVELS: usize = 100;
const WEIGHT_LIMIT: u32 = 1_200;

/// Makes up one day of data for all known pairs.
pub fn generate(seed: u64) -> Market {
    let symbols = PAIRS.iter().map(|pair| (pair.0.to_owned(), symbol(seed, *pair))).collect();
    let server_time = DAY_START_MS + MINUTES * MINUTE_MS;
    Market { origin: Origin::Generated { seed }, weight_limit: WEIGHT_LIMIT, server_time, symbols }
}

fn symbol(seed: u64, (name, base, quote, level, daily_volume): (&str, &str, &str, f64, f64)) -> SymbolData {
    let mut rng = Rng::for_key(seed, name);
    let info = format!(
        r#"{{"symbol":"{name}","status":"TRADING","baseAsset":"{base}","baseAssetPrecision":8,"quoteAsset":"{quote}","quoteAssetPrecision":8,"isSpotTradingAllowed":true,"filters":[]}}"#
    );
    let (minutes, close) = minutes(&mut rng, level, daily_volume / MINUTES as f64);
    let klines = BTreeMap::from([("1m".to_owned(), minutes)]);
    let trades = trades(&mut rng, close, daily_volume / 500_000.0);
    let book = book(&mut rng, close, daily_volume / 20_000.0);
    SymbolData { info: Some(info), klines, trades, book: Some(book) }
}

fn minutes(rng: &mut Rng, level: f64, volume_per_minute: f64) -> (Vec<Row>, f64) {
    let mut price = level * rng.between(0.97, 1.03);
    let mut rows = Vec::with_capacity(MINUTES as usize);
    for minute in 0..MINUTES {
        let open_time = DAY_START_MS + minute * MINUTE_MS;
        let open = price;
        let close = open * (1.0 + rng.between(-0.0011, 0.0011));
        let (mut high, mut low) = (open.max(close) * (1.0 + rng.unit() * 0.0006), open.min(close));
        low *= 1.0 - rng.unit() * 0.0006;
        let mut volume = volume_per_minute * rng.between(0.3, 1.7);
        match rng.unit() {
            damage if damage < 0.000_5 => (high, low) = (low, high),
            damage if damage < 0.001 => volume = -volume,
            _ => {}
        }
        let taker = volume * rng.between(0.35, 0.65);
        let json = format!(
            r#"[{open_time},"{open:.8}","{high:.8}","{low:.8}","{close:.8}","{volume:.8}",{},"{:.8}",{},"{taker:.8}","{:.8}","0"]"#,
            open_time + MINUTE_MS - 1,
            volume * close,
            200 + rng.next() % 2_000,
            taker * close,
        );
        let row = Row { key: open_time, time: open_time, json };
        if rng.unit() < 0.000_7 {
            rows.push(row.clone()); // A row that is delivered twice.
        }
        rows.push(row);
        price = close;
    }
    (rows, price)
}

fn trades(rng: &mut Rng, close: f64, size: f64) -> Vec<Row> {
    let first_id = 900_000_000 + (rng.next() % 1_000_000) as i64;
    let mut time = DAY_START_MS + (MINUTES - 10) * MINUTE_MS;
    let mut price = close;
    let mut rows = Vec::with_capacity(TRADES as usize);
    for n in 0..TRADES {
        let id = first_id + n;
        time += (rng.next() % 1_100) as i64;
        price *= 1.0 + rng.between(-0.000_05, 0.000_05);
        let mut quantity = size * rng.between(0.01, 2.0);
        if rng.unit() < 0.001 {
            quantity = 0.0;
        }
        let sold = rng.unit() < 0.48;
        let json = format!(
            r#"{{"a":{id},"p":"{price:.8}","q":"{quantity:.8}","f":{id},"l":{id},"T":{time},"m":{sold},"M":true}}"#
        );
        rows.push(Row { key: id, time, json });
    }
    rows
}

fn book(rng: &mut Rng, close: f64, size: f64) -> Book {
    let tick = close * 0.000_02;
    let mut side = |direction: f64| {
        let mut price = close + direction * tick * 0.5;
        let mut levels = Vec::with_capacity(LEVELS);
        for _ in 0..LEVELS {
            levels.push([format!("{price:.8}"), format!("{:.8}", size * rng.between(0.05, 1.0))]);
            price += direction * tick * rng.between(0.5, 3.0);
        }
        levels
    };
    let (bids, asks) = (side(-1.0), side(1.0));
    Book { last_update_id: 14_000_000_000 + (rng.next() % 1_000_000_000) as i64, bids, asks }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_generates_the_same_day() {
        let day = |seed| generate(seed).symbols["BTCUSDT"].klines["1m"][700].json.clone();
        assert_eq!(day(7), day(7));
        assert_ne!(day(7), day(8));
    }

    #[test]
    fn a_generated_day_is_complete_and_slightly_damaged() {
        let market = generate(7);
        let mut double = 0;
        for data in market.symbols.values() {
            let klines = &data.klines["1m"];
            assert!(klines.len() >= MINUTES as usize);
            double += klines.len() - MINUTES as usize;
            assert_eq!(data.trades.len(), TRADES as usize);
            let book = data.book.as_ref().expect("every pair has a book");
            assert!(book.bids[0][0].parse::<f64>().unwrap() < book.asks[0][0].parse::<f64>().unwrap());
        }
        assert!(double > 0, "seed 7 should deliver some row twice");
    }
}
