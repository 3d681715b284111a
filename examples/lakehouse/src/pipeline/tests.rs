//! Parsing, validation and transformation, without an exchange.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::SpanContext;
use otelier::testing::{Captured, capture, capture_async};
use serde_json::value::RawValue;

use super::parse::{self, Kline, Level, Trade};
use super::transform::{by_hour, flow, summary};
use super::validate::{Rows, check_kline, check_level, check_trade, validate};
use super::{Job, Kind, Raw};
use crate::client::Client;
use crate::exchange::{Exchange, Settings};
use crate::lake::Lake;
use crate::source::generate;

/// A candlestick as it was recorded from the exchange in 2019.
const RECORDED: &str = r#"[1561741200000,"34.49490000","34.50350000","34.17500000","34.38870000","73503.25000000",1561744799999,"2520508.67311800",2911,"36402.96000000","1248045.77384100","0"]"#;

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).expect("JSON")
}

fn recorded() -> Kline {
    parse::kline(&raw(RECORDED)).expect("a recorded candlestick can be read")
}

#[test]
fn a_recorded_candlestick_is_read_completely() {
    let kline = recorded();
    assert_eq!((kline.open_time, kline.close_time), (1_561_741_200_000, 1_561_744_799_999));
    assert_eq!((kline.open, kline.high, kline.low, kline.close), (34.4949, 34.5035, 34.175, 34.3887));
    assert_eq!((kline.volume, kline.trade_count, kline.taker_buy_volume), (73_503.25, 2_911, 36_402.96));
    assert_eq!(parse::open_time(&raw(RECORDED)), Some(1_561_741_200_000));
}

#[test]
fn rows_with_missing_or_odd_columns_are_malformed() {
    for text in ["[1,\"2\"]", "{}", "null", &RECORDED.replace("34.17500000", "NaN"), &RECORDED.replace("2911", "\"x\"")]
    {
        assert_eq!(parse::kline(&raw(text)), None, "{text}");
    }
    assert_eq!(parse::trade(&raw(r#"{"a":1,"p":"x","q":"1","T":1,"m":true}"#)), None);
    assert_eq!(parse::level(&raw(r#"["side",0,["1","1"],1]"#)), None);
    assert_eq!(parse::open_time(&raw("{}")), None);
}

#[test]
fn candlesticks_that_cannot_be_true_are_refused() {
    let good = recorded();
    let with = |change: fn(&mut Kline)| {
        let mut kline = good.clone();
        change(&mut kline);
        check_kline(&kline, None)
    };
    assert_eq!(check_kline(&good, None), Ok(()));
    assert_eq!(with(|kline| std::mem::swap(&mut kline.high, &mut kline.low)), Err("high_below_low"));
    assert_eq!(with(|kline| kline.close = kline.high * 1.1), Err("outside_range"));
    assert_eq!(with(|kline| kline.volume = -1.0), Err("negative_volume"));
    assert_eq!(with(|kline| kline.close_time = kline.open_time), Err("closed_before_opened"));
    assert_eq!(check_kline(&good, Some(&good)), Err("duplicate"));
    let mut later = good.clone();
    later.open_time += 1;
    assert_eq!(check_kline(&good, Some(&later)), Err("out_of_order"));
}

#[test]
fn trades_must_rise_and_have_price_and_quantity() {
    let trade = Trade { id: 5, price: 1.0, quantity: 1.0, time: 100, buyer_is_maker: false };
    assert_eq!(check_trade(&trade, None), Ok(()));
    assert_eq!(check_trade(&trade, Some(&trade)), Err("duplicate"));
    assert_eq!(check_trade(&trade, Some(&Trade { id: 4, time: 101, ..trade.clone() })), Err("out_of_order"));
    assert_eq!(check_trade(&Trade { price: 0.0, ..trade.clone() }, None), Err("no_price"));
    assert_eq!(check_trade(&Trade { quantity: -1.0, ..trade }, None), Err("no_quantity"));
}

fn level(is_bid: bool, rank: i64, price: f64) -> Level {
    Level { is_bid, rank, price, quantity: 2.0, last_update_id: 1 }
}

#[test]
fn a_book_must_be_sorted_and_not_crossed() {
    let bid = level(true, 0, 100.0);
    assert_eq!(check_level(&level(true, 1, 99.0), Some(&bid)), Ok(()));
    assert_eq!(check_level(&level(true, 1, 101.0), Some(&bid)), Err("out_of_order"));
    assert_eq!(check_level(&level(true, 1, 100.0), Some(&bid)), Err("duplicate"));
    assert_eq!(check_level(&level(false, 0, 101.0), Some(&bid)), Ok(()));
    assert_eq!(check_level(&level(false, 0, 99.0), Some(&bid)), Err("crossed_book"));
    let ask = level(false, 0, 101.0);
    assert_eq!(check_level(&level(false, 1, 102.0), Some(&ask)), Ok(()));
    assert_eq!(check_level(&level(false, 1, 100.5), Some(&ask)), Err("out_of_order"));
}

#[test]
fn refused_rows_are_counted_by_reason_and_the_rest_is_kept() {
    let rows = vec![raw(RECORDED), raw(RECORDED), raw("[]"), raw(&RECORDED.replace("156174", "156184"))];
    let raw = Raw { symbol: "BNBUSDT".into(), kind: Kind::Klines, rows, downloaded_by: SpanContext::NONE };
    let Captured { value: checked, spans } = capture(|| validate(&raw));
    assert!(matches!(&checked.rows, Rows::Klines(rows) if rows.len() == 2));
    assert_eq!(checked.rejected.into_iter().collect::<Vec<_>>(), [("duplicate", 1), ("malformed", 1)]);
    spans.span("validation klines").has("crypto.record_count", 2).has("crypto.rejected_count", 2);
    spans.without("crypto.*").assert_tree(
        "
        validation klines
          event rows_rejected app.reason=duplicate app.rows=1
          event rows_rejected app.reason=malformed app.rows=1
        ",
    );
}

#[test]
fn minutes_become_hours() {
    let minute = |minute: i64, open: f64, close: f64| Kline {
        open_time: 1_561_741_200_000 + minute * 60_000,
        open,
        high: open.max(close) + 1.0,
        low: open.min(close) - 1.0,
        close,
        volume: 2.0,
        trade_count: 3,
        ..recorded()
    };
    let hours = by_hour(&[minute(0, 10.0, 12.0), minute(59, 12.0, 8.0), minute(60, 8.0, 9.0)]);
    assert_eq!(hours.len(), 2);
    let first = &hours[0];
    assert_eq!((first.open, first.high, first.low, first.close), (10.0, 13.0, 7.0, 8.0));
    assert_eq!((first.volume, first.trades, first.candles), (4.0, 6, 2));
    assert_eq!(hours[1].start - first.start, 3_600_000);
}

#[test]
fn a_book_is_summed_up_from_both_sides() {
    let book = summary(&[level(true, 0, 99.0), level(true, 1, 98.0), level(false, 0, 101.0)]).expect("two sides");
    assert_eq!((book.best_bid, book.best_ask), (99.0, 101.0));
    assert_eq!((book.bid_depth, book.ask_depth), (394.0, 202.0));
    assert!((book.spread_bps - 200.0).abs() < 1e-9);
    assert_eq!(summary(&[level(true, 0, 99.0)]), None);
}

#[test]
fn trades_are_summed_up_by_who_took_the_price() {
    let trade = |id, quantity, buyer_is_maker| Trade { id, price: 10.0 * id as f64, quantity, time: 1, buyer_is_maker };
    let flow = flow(&[trade(1, 1.0, false), trade(2, 3.0, true)]).expect("trades");
    assert_eq!((flow.bought, flow.sold, flow.average_price, flow.trades), (1.0, 3.0, 17.5, 2));
    assert_eq!(super::transform::flow(&[]), None);
}

#[tokio::test]
async fn every_file_links_to_the_downloads_that_its_rows_came_from() {
    let settings = Settings { port: 0, weight_limit: 1_200, fail_rate: 0.0, seed: 10, slow_answer: Duration::ZERO };
    let exchange = Exchange::start(Arc::new(generate(10)), settings).await.expect("an exchange");
    let dir = std::env::temp_dir().join(format!("lakehouse-links-{}", std::process::id()));
    let job = Job {
        id: "7".to_owned(),
        symbols: ["BTCUSDT", "ETHUSDT"].map(String::from).into(),
        concurrency: 2,
        deadline: tokio::time::Instant::now() + Duration::from_secs(60),
        client: Client::new(exchange.address(), Duration::from_secs(20)).expect("a client"),
        lake: Lake::open(&dir).expect("a directory"),
    };
    let spans = capture_async(super::run(Arc::new(job))).await.spans;
    std::fs::remove_dir_all(&dir).expect("the directory is there");

    let puts: Vec<_> = spans.iter().filter(|span| span.name().starts_with("put ")).collect();
    assert_eq!(puts.len(), 2 * 3 + 2 * 3 + 3, "{spans}");
    for put in puts {
        let kind = put.attribute("crypto.data_type").expect("a kind").to_string();
        let sources: Vec<_> = put.links().map(|link| link.span().expect("a span of this trace")).collect();
        assert_eq!(sources.len(), if put.name() == "put gold" { 2 } else { 1 }, "{spans}");
        for source in sources {
            assert_eq!(source.name(), format!("ingest {kind}"));
            assert!(put.attribute("crypto.symbol").is_none_or(|of| source.attribute("crypto.symbol") == Some(of)));
        }
    }
    let workflow = spans.span("workflow daily_archive_collection").is_ok();
    workflow.has("performance.slo.threshold", 5.0).has("performance.sli.name", "daily_archive_latency");
    for trades in spans.named("ingest trades") {
        trades.has("performance.budget.limit", 0.4);
    }
}
