//! The second stage: rows get types, and those that cannot be true are refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use opentelemetry::trace::SpanContext;
use otelier::prelude::*;
use serde_json::value::RawValue;

use super::parse::{self, Kline, Level, Trade};
use super::{Job, Kind, Raw};

/// Why a row is refused.
pub type Reason = &'static str;

/// Rows that passed.
#[derive(Debug)]
pub enum Rows {
    /// Candlesticks, by time.
    Klines(Vec<Kline>),
    /// Trades, by number.
    Trades(Vec<Trade>),
    /// Levels of an order book, buyers first, best first.
    OrderBook(Vec<Level>),
}

impl Rows {
    /// How many rows passed.
    pub fn len(&self) -> usize {
        match self {
            Self::Klines(rows) => rows.len(),
            Self::Trades(rows) => rows.len(),
            Self::OrderBook(rows) => rows.len(),
        }
    }
}

/// What validation made of the rows of one symbol and kind.
#[derive(Debug)]
pub struct Checked {
    /// Trading pair.
    pub symbol: String,
    /// Kind of the rows.
    pub kind: Kind,
    /// Rows that passed.
    pub rows: Rows,
    /// How many did not, by reason.
    pub rejected: BTreeMap<Reason, usize>,
    /// The span that downloaded them.
    pub downloaded_by: SpanContext,
}

impl Checked {
    /// How many of a hundred rows passed. Where there were none, nothing was wrong with them.
    fn passed_percent(&self) -> f64 {
        let (passed, rejected) = (self.rows.len(), self.rejected.values().sum::<usize>());
        if passed + rejected == 0 { 100.0 } else { passed as f64 / (passed + rejected) as f64 * 100.0 }
    }
}

/// Validates everything that was collected.
#[trace_stage(
    crypto.stage_name = "validate",
    crypto.symbol_count = job.symbols.len(),
    ret(|checked| crypto.record_count = checked.iter().map(|set| set.rows.len()).sum::<usize>())
)]
pub async fn stage(job: &Arc<Job>, collected: &[Raw]) -> Vec<Checked> {
    let mut checked = Vec::with_capacity(collected.len());
    for raw in collected {
        checked.push(validate(raw));
        // Validation keeps a thread busy; the exchange may want to use it between two data sets.
        tokio::task::yield_now().await;
    }
    checked
}

/// Rows that were refused in all sets together, by reason.
pub fn rejected(checked: &[Checked]) -> Vec<(Reason, usize)> {
    let mut total = BTreeMap::new();
    for (reason, count) in checked.iter().flat_map(|set| &set.rejected) {
        *total.entry(*reason).or_default() += count;
    }
    total.into_iter().collect()
}

/// Validates the rows of one symbol and kind.
#[trace_processing(
    crypto.processing_stage = ProcessingStage::Validation,
    crypto.data_type = raw.kind.data_type(),
    crypto.symbol = raw.symbol.as_str(),
    ret(|checked|
        crypto.record_count = checked.rows.len(),
        crypto.rejected_count = checked.rejected.values().sum::<usize>(),
        crypto.validation_rate = checked.passed_percent())
)]
pub fn validate(raw: &Raw) -> Checked {
    let mut rejected = BTreeMap::new();
    let rows = match raw.kind {
        Kind::Klines => Rows::Klines(keep(&raw.rows, &mut rejected, parse::kline, check_kline)),
        Kind::Trades => Rows::Trades(keep(&raw.rows, &mut rejected, parse::trade, check_trade)),
        Kind::OrderBook => Rows::OrderBook(keep(&raw.rows, &mut rejected, parse::level, check_level)),
    };
    for (reason, count) in &rejected {
        event!("rows_rejected", "app.reason" = *reason, "app.rows" = *count);
    }
    Checked { symbol: raw.symbol.clone(), kind: raw.kind, rows, rejected, downloaded_by: raw.downloaded_by.clone() }
}

/// Keeps the rows that can be read and pass the check against the row kept before.
fn keep<T>(
    rows: &[Box<RawValue>],
    rejected: &mut BTreeMap<Reason, usize>,
    parse: fn(&RawValue) -> Option<T>,
    check: fn(&T, Option<&T>) -> Result<(), Reason>,
) -> Vec<T> {
    let mut kept = Vec::with_capacity(rows.len());
    for row in rows {
        let verdict = parse(row).ok_or("malformed").and_then(|row| check(&row, kept.last()).map(|()| row));
        match verdict {
            Ok(row) => kept.push(row),
            Err(reason) => *rejected.entry(reason).or_default() += 1,
        }
    }
    kept
}

pub fn check_kline(kline: &Kline, before: Option<&Kline>) -> Result<(), Reason> {
    let inside = |price: f64| kline.low <= price && price <= kline.high;
    match before.map_or(1, |before| (kline.open_time - before.open_time).signum()) {
        0 => return Err("duplicate"),
        -1 => return Err("out_of_order"),
        _ => {}
    }
    if kline.high < kline.low {
        Err("high_below_low")
    } else if !inside(kline.open) || !inside(kline.close) {
        Err("outside_range")
    } else if kline.volume < 0.0 || kline.quote_volume < 0.0 || kline.trade_count < 0 {
        Err("negative_volume")
    } else if kline.close_time <= kline.open_time {
        Err("closed_before_opened")
    } else {
        Ok(())
    }
}

pub fn check_trade(trade: &Trade, before: Option<&Trade>) -> Result<(), Reason> {
    match before {
        Some(before) if trade.id == before.id => Err("duplicate"),
        Some(before) if trade.id < before.id || trade.time < before.time => Err("out_of_order"),
        _ if trade.price <= 0.0 => Err("no_price"),
        _ if trade.quantity <= 0.0 => Err("no_quantity"),
        _ => Ok(()),
    }
}

pub fn check_level(level: &Level, before: Option<&Level>) -> Result<(), Reason> {
    if level.price <= 0.0 {
        return Err("no_price");
    }
    if level.quantity <= 0.0 {
        return Err("no_quantity");
    }
    match before {
        // Buyers come first, so the last of them is the cheapest: the best seller must ask for more.
        Some(before) if before.is_bid && !level.is_bid && level.price <= before.price => Err("crossed_book"),
        Some(before) if before.is_bid == level.is_bid && level.price == before.price => Err("duplicate"),
        Some(before) if before.is_bid == level.is_bid && (level.price < before.price) != level.is_bid => {
            Err("out_of_order")
        }
        _ => Ok(()),
    }
}
