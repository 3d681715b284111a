//! Captures of a spot exchange's WebSocket and REST traffic: JSON lines, compressed with zstd.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use ruzstd::decoding::StreamingDecoder;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::info::add_answer;
use super::{Market, Row, upsert};

#[derive(Deserialize)]
struct Line {
    t: String,
    exchange: Option<String>,
    url: Option<String>,
    data: Option<String>,
}

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Deserialize)]
struct Event {
    e: Option<String>,
}

#[derive(Deserialize)]
struct TradeEvent<'a> {
    s: String,
    a: i64,
    #[serde(borrow)]
    p: &'a RawValue,
    q: &'a RawValue,
    f: i64,
    l: i64,
    #[serde(rename = "T")]
    time: i64,
    m: bool,
}

#[derive(Deserialize)]
struct KlineEvent<'a> {
    s: String,
    #[serde(borrow)]
    k: Kline<'a>,
}

#[derive(Deserialize)]
struct Kline<'a> {
    t: i64,
    #[serde(rename = "T")]
    close_time: i64,
    #[serde(borrow)]
    i: &'a str,
    o: &'a RawValue,
    h: &'a RawValue,
    l: &'a RawValue,
    c: &'a RawValue,
    v: &'a RawValue,
    q: &'a RawValue,
    n: i64,
    #[serde(rename = "V")]
    taker_volume: &'a RawValue,
    #[serde(rename = "Q")]
    taker_quote_volume: &'a RawValue,
}

/// Adds one capture; returns whether it was used. Captures of other markets are left out after their first line.
///
/// # Errors
///
/// One sentence that names the file, if it cannot be opened or is not zstd. Damaged lines are skipped, and each adds a
/// sentence to `warnings`.
pub fn add_file(market: &mut Market, path: &Path, warnings: &mut Vec<String>) -> Result<bool, String> {
    let file = File::open(path).map_err(|error| format!("{}: {error}; the file is skipped", path.display()))?;
    let decoder = StreamingDecoder::new(BufReader::new(file))
        .map_err(|error| format!("{}: not zstd ({error}); the file is skipped", path.display()))?;
    let mut lines = BufReader::with_capacity(1 << 16, decoder);
    let mut buffer = Vec::new();
    for number in 1_usize.. {
        buffer.clear();
        match lines.read_until(b'\n', &mut buffer) {
            Ok(0) => break,
            Ok(_) if buffer.trim_ascii().is_empty() => continue,
            Ok(_) => {}
            Err(error) => {
                warnings.push(format!("{} line {number}: {error}; the rest of the file is skipped", path.display()));
                break;
            }
        }
        match add_line(market, &buffer) {
            Ok(Used::Yes) => {}
            Ok(Used::OtherMarket) => return Ok(false),
            Err(error) => {
                warnings.push(format!("{} line {number}: {error}; the line is skipped", path.display()));
            }
        }
    }
    Ok(true)
}

enum Used {
    Yes,
    OtherMarket,
}

fn add_line(market: &mut Market, line: &[u8]) -> Result<Used, serde_json::Error> {
    let line: Line = serde_json::from_slice(line)?;
    match (line.t.as_str(), line.exchange, line.url, line.data) {
        ("header", Some(exchange), ..) if exchange != "BINANCE" => return Ok(Used::OtherMarket),
        ("http", _, Some(url), Some(body)) => {
            let (path, query) = url.split_once('?').unwrap_or((&url, ""));
            add_answer(market, path, query, &body)?;
        }
        ("recv", _, _, Some(data)) => add_frame(market, &data)?,
        _ => {}
    }
    Ok(Used::Yes)
}

/// Turns a WebSocket frame into the row that the REST API gives for the same thing.
fn add_frame(market: &mut Market, data: &str) -> Result<(), serde_json::Error> {
    let frame: Frame<'_> = serde_json::from_str(data)?;
    let event: Event = serde_json::from_str(frame.data.get())?;
    match event.e.as_deref() {
        Some("aggTrade") => {
            let TradeEvent { s, a, p, q, f, l, time, m } = serde_json::from_str(frame.data.get())?;
            let json = format!(r#"{{"a":{a},"p":{p},"q":{q},"f":{f},"l":{l},"T":{time},"m":{m},"M":true}}"#);
            upsert(&mut market.symbols.entry(s).or_default().trades, Row { key: a, time, json });
        }
        Some("kline") => {
            let KlineEvent { s, k } = serde_json::from_str(frame.data.get())?;
            let Kline { t, close_time, i, o, h, l, c, v, q, n, taker_volume, taker_quote_volume } = k;
            let json =
                format!(r#"[{t},{o},{h},{l},{c},{v},{close_time},{q},{n},{taker_volume},{taker_quote_volume},"0"]"#);
            let klines = &mut market.symbols.entry(s).or_default().klines;
            upsert(klines.entry(i.to_owned()).or_default(), Row { key: t, time: t, json });
        }
        _ => {}
    }
    Ok(())
}
