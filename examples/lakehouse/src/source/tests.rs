//! Reading recordings, with the shapes that real ones have.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::*;

/// A directory that is removed with its contents.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("lakehouse-source-{name}-{}", std::process::id()));
        std::fs::create_dir_all(dir.join("binance-capture")).expect("the temporary directory is writable");
        Self(dir)
    }

    fn capture(&self, name: &str, lines: &[&str]) {
        let packed = compress_to_vec(lines.join("\n").as_bytes(), CompressionLevel::Fastest);
        std::fs::write(self.0.join("binance-capture").join(name), packed).expect("the file can be written");
    }

    fn warnings(&self) -> (Market, Vec<String>) {
        let mut market = load(&self.0).expect("there is market data");
        let Origin::Recorded { warnings, .. } = &mut market.origin else { panic!("not recorded") };
        let warnings = std::mem::take(warnings);
        (market, warnings)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const HEADER: &str = r#"{"t":"header","format":2,"exchange":"BINANCE","recorded":1633998511.1}"#;
const TRADE: &str = r#"{"t":"recv","conn":"ws","ts":1.0,"data":"{\"stream\":\"nknusdt@aggTrade\",\"data\":{\"e\":\"aggTrade\",\"E\":1633998523963,\"s\":\"NKNUSDT\",\"a\":15683430,\"p\":\"0.35280000\",\"q\":\"58.00000000\",\"f\":1,\"l\":2,\"T\":1633998523963,\"m\":false,\"M\":true}}"}"#;
const KLINE: &str = r#"{"t":"recv","conn":"ws","ts":1.0,"data":"{\"stream\":\"nknusdt@kline_1m\",\"data\":{\"e\":\"kline\",\"E\":1,\"s\":\"NKNUSDT\",\"k\":{\"t\":1633998480000,\"T\":1633998539999,\"s\":\"NKNUSDT\",\"i\":\"1m\",\"f\":1,\"L\":2,\"o\":\"0.3527\",\"c\":\"0.3528\",\"h\":\"0.3528\",\"l\":\"0.3522\",\"v\":\"25877\",\"n\":30,\"x\":false,\"q\":\"9116.046\",\"V\":\"58\",\"Q\":\"20.4624\",\"B\":\"0\"}}}"}"#;
const DEPTH: &str = r#"{"t":"http","conn":"http","ts":1.0,"url":"https://api.binance.com/api/v3/depth?symbol=BLZETH&limit=1000","data":"{\"lastUpdateId\":5,\"bids\":[[\"0.1\",\"2\"]],\"asks\":[[\"0.2\",\"3\"]]}"}"#;

#[test]
fn frames_become_the_rows_of_the_rest_api() {
    let scratch = Scratch::new("frames");
    scratch.capture("BINANCE.jsonl.zst", &[HEADER, TRADE, KLINE, KLINE, DEPTH]);
    let (market, warnings) = scratch.warnings();
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!(market.symbols_with_data(), ["BLZETH", "NKNUSDT"]);
    let data = &market.symbols["NKNUSDT"];
    assert_eq!(data.trades.len(), 1);
    assert_eq!(data.trades[0].key, 15_683_430);
    assert!(data.trades[0].json.starts_with(r#"{"a":15683430,"p":"0.35280000","q":"58.00000000","#));
    assert_eq!(data.klines["1m"].len(), 1, "a later state of a candlestick replaces the earlier one");
    assert!(
        data.klines["1m"][0]
            .json
            .starts_with(r#"[1633998480000,"0.3527","0.3528","0.3522","0.3528","25877",1633998539999,"#)
    );
    assert_eq!(market.symbols["BLZETH"].book.as_ref().map(|book| book.asks.len()), Some(1));
}

#[test]
fn a_damaged_line_is_skipped_and_named() {
    let scratch = Scratch::new("damaged");
    let no_price = TRADE.replace(r#"\"p\":\"0.35280000\","#, "");
    scratch.capture("BINANCE.jsonl.zst", &[HEADER, r#"{"t":"recv","da"#, KLINE, &no_price]);
    let (market, warnings) = scratch.warnings();
    assert_eq!(market.symbols["NKNUSDT"].klines["1m"].len(), 1);
    assert_eq!(warnings.len(), 2);
    assert!(warnings[0].contains("BINANCE.jsonl.zst line 2: ") && warnings[0].ends_with("the line is skipped"));
    assert!(warnings[1].contains("line 4: missing field `p`"), "{}", warnings[1]);
}

#[test]
fn captures_of_other_markets_and_files_that_are_not_zstd_are_left_out() {
    let scratch = Scratch::new("others");
    scratch.capture("BINANCE.jsonl.zst", &[HEADER, KLINE]);
    scratch.capture("OTHER.jsonl.zst", &[&HEADER.replace("BINANCE", "BINANCE_US"), TRADE]);
    std::fs::write(scratch.0.join("broken.jsonl.zst"), b"no zstd").expect("the file can be written");
    let (market, warnings) = scratch.warnings();
    assert!(market.symbols["NKNUSDT"].trades.is_empty());
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].contains("broken.jsonl.zst: not zstd"), "{}", warnings[0]);
}

#[test]
fn a_capture_that_stops_in_the_middle_keeps_what_was_read() {
    let scratch = Scratch::new("cut");
    // Numbers that do not compress, so that the file has several blocks and the first ones stay whole.
    let mut rng = crate::rng::Rng::for_key(1, "cut");
    let noise: Vec<String> = (0..40_000).map(|_| format!(r#"{{"t":"noise","n":{}}}"#, rng.next())).collect();
    let lines: Vec<&str> = [HEADER, KLINE].into_iter().chain(noise.iter().map(String::as_str)).collect();
    scratch.capture("BINANCE.jsonl.zst", &lines);
    let file = scratch.0.join("binance-capture/BINANCE.jsonl.zst");
    let packed = std::fs::read(&file).expect("just written");
    std::fs::write(&file, &packed[..packed.len() / 2]).expect("the file can be written");
    let (market, warnings) = scratch.warnings();
    assert_eq!(market.symbols_with_data(), ["NKNUSDT"]);
    assert!(warnings[0].ends_with("the rest of the file is skipped"), "{warnings:?}");
}

#[test]
fn pairs_of_request_and_response_are_read_and_recorded_refusals_left_out() {
    let scratch = Scratch::new("pairs");
    let pair = |path: &str, query: &str, status: u16, body: &str| {
        format!(
            "---\nrequest:\n  uri: https://api.binance.com{path}\n  query_params: {query}\nresponse:\n  status: {status}\n  body: '{body}'\n"
        )
    };
    let write = |name: &str, text: String| std::fs::write(scratch.0.join(name), text).expect("the file can be written");
    let klines = r#"[[1561741200000,"1","2","1","2","3",1561744799999,"4",5,"6","7","0"]]"#;
    write("klines.yml", pair("/api/v3/klines", "symbol=BNBUSDT&limit=5&interval=1h", 200, klines));
    write(
        "bogus.yml",
        pair("/api/v3/klines", "symbol=BOGUS&limit=5", 400, r#"{"code":-1121,"msg":"Invalid symbol."}"#),
    );
    let info = r#"{"serverTime":7,"rateLimits":[{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":900}],"symbols":[{"symbol":"BNBUSDT","status":"TRADING"}]}"#;
    write("info.yml", pair("/api/v1/exchangeInfo", "\"\"", 200, info));
    write("half.yml", "request:\n  uri: x\n".to_owned());
    write("broken.yaml", "a: [".to_owned());
    let (market, warnings) = scratch.warnings();
    assert_eq!((market.weight_limit, market.server_time), (900, 7));
    assert_eq!(market.symbols.keys().collect::<Vec<_>>(), ["BNBUSDT"]);
    assert_eq!(market.symbols["BNBUSDT"].klines["1h"][0].key, 1_561_741_200_000);
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("broken.yaml: not YAML"), "{}", warnings[0]);
    assert!(warnings[1].contains("half.yml: expected `request.uri` and `response.body`"), "{}", warnings[1]);
}

#[test]
fn directories_without_data_are_refused_with_the_reason() {
    let missing = load(Path::new("no-such-directory")).expect_err("it does not exist").to_string();
    assert!(missing.starts_with("cannot read --data directory `no-such-directory`: "), "{missing}");
    let scratch = Scratch::new("empty");
    assert!(matches!(load(&scratch.0), Err(SourceError::NoRecordings { .. })));
    scratch.capture("BINANCE.jsonl.zst", &[HEADER, "broken"]);
    let nothing = load(&scratch.0).expect_err("no data in it").to_string();
    assert!(nothing.contains("no market data in the 1 recordings") && nothing.contains("line 2"), "{nothing}");
}

#[test]
fn rows_stay_sorted_and_the_newer_of_two_counts() {
    let mut rows = Vec::new();
    for (key, json) in [(3, "c"), (1, "a"), (3, "d"), (2, "b")] {
        upsert(&mut rows, Row { key, time: 0, json: json.into() });
    }
    assert_eq!(rows.iter().map(|row| row.json.as_str()).collect::<String>(), "abd");
}

#[test]
fn only_pairs_with_data_are_offered() {
    let entry = SymbolData { info: Some("{}".into()), ..SymbolData::default() };
    let symbols = BTreeMap::from([("EMPTY".to_owned(), entry)]);
    let market = Market { origin: Origin::Generated { seed: 1 }, weight_limit: 1, server_time: 0, symbols };
    assert!(market.symbols_with_data().is_empty());
}
