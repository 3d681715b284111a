//! The third stage: from rows to the few numbers that readers want.

use std::collections::BTreeMap;

use otelier::prelude::*;

use super::Kind;
use super::parse::{Kline, Level, Trade};
use super::validate::{Checked, Rows};
use crate::lake::{Column, Table};

const HOUR_MS: i64 = 3_600_000;

/// The tables of the gold layer: name, kind of the data they come from, and contents.
pub type Gold = Vec<(&'static str, Kind, Table)>;

/// Makes the gold tables, over all symbols.
#[trace_stage(
    crypto.stage_name = "transform",
    ret(|gold| crypto.record_count = gold.iter().map(|(_, _, table)| table.rows()).sum::<usize>())
)]
pub fn stage(checked: &[Checked]) -> Gold {
    vec![
        ("ohlcv_1h", Kind::Klines, hours(checked)),
        ("book_summary", Kind::OrderBook, books(checked)),
        ("trade_flow", Kind::Trades, flows(checked)),
    ]
}

/// One hour of a symbol.
#[derive(Clone, Debug, PartialEq)]
pub struct Hour {
    /// Start of the hour, in milliseconds since 1970.
    pub start: i64,
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
    /// Number of trades.
    pub trades: i64,
    /// Candlesticks the hour was made of.
    pub candles: i64,
}

/// Sums candlesticks up by hour. They must be in order of time.
pub fn by_hour(klines: &[Kline]) -> Vec<Hour> {
    let mut hours: BTreeMap<i64, Hour> = BTreeMap::new();
    for kline in klines {
        let start = kline.open_time.div_euclid(HOUR_MS) * HOUR_MS;
        let &Kline { open, high, low, close, volume, trade_count: trades, .. } = kline;
        hours
            .entry(start)
            .and_modify(|hour| {
                hour.high = hour.high.max(high);
                hour.low = hour.low.min(low);
                hour.close = close;
                hour.volume += volume;
                hour.trades += trades;
                hour.candles += 1;
            })
            .or_insert(Hour { start, open, high, low, close, volume, trades, candles: 1 });
    }
    hours.into_values().collect()
}

#[trace_processing(
    crypto.processing_stage = ProcessingStage::Transformation,
    crypto.data_type = DataType::Klines,
    crypto.timeframe = Timeframe::Hour,
    ret(|table| crypto.record_count = table.rows())
)]
fn hours(checked: &[Checked]) -> Table {
    let mut rows: Vec<(&str, Hour)> = Vec::new();
    for set in checked {
        if let Rows::Klines(klines) = &set.rows {
            rows.extend(by_hour(klines).into_iter().map(|hour| (set.symbol.as_str(), hour)));
        }
    }
    let number = |value: fn(&Hour) -> f64| rows.iter().map(|(_, hour)| value(hour)).collect();
    Table::new([
        ("symbol", Column::Text(rows.iter().map(|(symbol, _)| (*symbol).to_owned()).collect())),
        ("hour", Column::Millis(rows.iter().map(|(_, hour)| hour.start).collect())),
        ("open", Column::Double(number(|hour| hour.open))),
        ("high", Column::Double(number(|hour| hour.high))),
        ("low", Column::Double(number(|hour| hour.low))),
        ("close", Column::Double(number(|hour| hour.close))),
        ("volume", Column::Double(number(|hour| hour.volume))),
        ("trades", Column::Int(rows.iter().map(|(_, hour)| hour.trades).collect())),
        ("candles", Column::Int(rows.iter().map(|(_, hour)| hour.candles).collect())),
    ])
}

/// The state of one order book.
#[derive(Clone, Debug, PartialEq)]
pub struct BookSummary {
    /// Best price of a buyer.
    pub best_bid: f64,
    /// Best price of a seller.
    pub best_ask: f64,
    /// Difference between both, in hundredths of a percent of the price between them.
    pub spread_bps: f64,
    /// What buyers offer, in the quote currency.
    pub bid_depth: f64,
    /// What sellers offer, in the quote currency.
    pub ask_depth: f64,
}

/// Sums a book up; nothing if a side is empty.
pub fn summary(levels: &[Level]) -> Option<BookSummary> {
    let best = |bid: bool| levels.iter().find(|level| level.is_bid == bid).map(|level| level.price);
    let depth = |bid: bool| {
        let side = levels.iter().filter(|level| level.is_bid == bid);
        side.map(|level| level.price * level.quantity).sum::<f64>()
    };
    let (best_bid, best_ask) = (best(true)?, best(false)?);
    let spread_bps = (best_ask - best_bid) / ((best_ask + best_bid) / 2.0) * 10_000.0;
    Some(BookSummary { best_bid, best_ask, spread_bps, bid_depth: depth(true), ask_depth: depth(false) })
}

#[trace_processing(
    crypto.processing_stage = ProcessingStage::Transformation,
    crypto.data_type = DataType::OrderBook,
    ret(|table| crypto.record_count = table.rows())
)]
fn books(checked: &[Checked]) -> Table {
    let mut rows: Vec<(&str, BookSummary)> = Vec::new();
    for set in checked {
        if let Rows::OrderBook(levels) = &set.rows {
            rows.extend(summary(levels).map(|summary| (set.symbol.as_str(), summary)));
        }
    }
    let number = |value: fn(&BookSummary) -> f64| rows.iter().map(|(_, book)| value(book)).collect();
    Table::new([
        ("symbol", Column::Text(rows.iter().map(|(symbol, _)| (*symbol).to_owned()).collect())),
        ("best_bid", Column::Double(number(|book| book.best_bid))),
        ("best_ask", Column::Double(number(|book| book.best_ask))),
        ("spread_bps", Column::Double(number(|book| book.spread_bps))),
        ("bid_depth", Column::Double(number(|book| book.bid_depth))),
        ("ask_depth", Column::Double(number(|book| book.ask_depth))),
    ])
}

/// Who took the price in the trades of one symbol.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    /// Quantity that buyers took, in the base currency.
    pub bought: f64,
    /// Quantity that sellers took, in the base currency.
    pub sold: f64,
    /// Average price, weighted by quantity.
    pub average_price: f64,
    /// Number of trades.
    pub trades: i64,
}

/// Sums trades up; nothing if there are none.
pub fn flow(trades: &[Trade]) -> Option<Flow> {
    let quantity = |sold: bool| {
        let taken = trades.iter().filter(|trade| trade.buyer_is_maker == sold);
        taken.map(|trade| trade.quantity).sum::<f64>()
    };
    let (bought, sold) = (quantity(false), quantity(true));
    let value: f64 = trades.iter().map(|trade| trade.price * trade.quantity).sum();
    let average_price = value / (bought + sold);
    (!trades.is_empty()).then_some(Flow { bought, sold, average_price, trades: trades.len() as i64 })
}

#[trace_processing(
    crypto.processing_stage = ProcessingStage::Transformation,
    crypto.data_type = DataType::Trades,
    ret(|table| crypto.record_count = table.rows())
)]
fn flows(checked: &[Checked]) -> Table {
    let mut rows: Vec<(&str, Flow)> = Vec::new();
    for set in checked {
        if let Rows::Trades(trades) = &set.rows {
            rows.extend(flow(trades).map(|flow| (set.symbol.as_str(), flow)));
        }
    }
    let number = |value: fn(&Flow) -> f64| rows.iter().map(|(_, flow)| value(flow)).collect();
    Table::new([
        ("symbol", Column::Text(rows.iter().map(|(symbol, _)| (*symbol).to_owned()).collect())),
        ("bought", Column::Double(number(|flow| flow.bought))),
        ("sold", Column::Double(number(|flow| flow.sold))),
        ("average_price", Column::Double(number(|flow| flow.average_price))),
        ("trades", Column::Int(rows.iter().map(|(_, flow)| flow.trades).collect())),
    ])
}
