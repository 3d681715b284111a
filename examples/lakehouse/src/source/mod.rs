//! Where the exchange's data comes from: recordings or a generator, behind one type.

mod capture;
mod error;
mod generator;
mod info;
mod recording;
mod rest;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub use error::SourceError;
pub use generator::generate;
pub use recording::load;

/// Everything the exchange can answer with.
#[derive(Debug)]
pub struct Market {
    /// Where the data comes from, for the reader of the output.
    pub origin: Origin,
    /// Request weight allowed in a minute.
    pub weight_limit: u32,
    /// The exchange's time, in milliseconds since 1970.
    pub server_time: i64,
    /// The known trading pairs.
    pub symbols: BTreeMap<String, SymbolData>,
}

/// Where a [`Market`] comes from.
#[derive(Debug)]
pub enum Origin {
    /// A seeded generator made it up.
    Generated {
        /// The generator's seed.
        seed: u64,
    },
    /// It was recorded from a real exchange.
    Recorded {
        /// The directory that was read.
        dir: PathBuf,
        /// How many files were used.
        files: usize,
        /// One sentence for each part that could not be read and was left out.
        warnings: Vec<String>,
    },
}

/// The data of one trading pair.
#[derive(Debug, Default)]
pub struct SymbolData {
    /// The pair's entry in exchangeInfo, as JSON.
    pub info: Option<String>,
    /// Candlesticks by interval (`1m`), in the order in which they are served.
    pub klines: BTreeMap<String, Vec<Row>>,
    /// Aggregated trades, in the order in which they are served.
    pub trades: Vec<Row>,
    /// The order book, if one is known.
    pub book: Option<Book>,
}

/// One row of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What rows are ordered by: the open time of a candlestick, the id of a trade.
    pub key: i64,
    /// When it happened, in milliseconds since 1970.
    pub time: i64,
    /// The row as the exchange writes it.
    pub json: String,
}

/// A snapshot of an order book: price and quantity of each level, best first, as the exchange writes them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Book {
    /// The number of the last change the snapshot contains.
    pub last_update_id: i64,
    /// Levels of buyers.
    pub bids: Vec<[String; 2]>,
    /// Levels of sellers.
    pub asks: Vec<[String; 2]>,
}

impl Market {
    /// The pairs for which there is more than an entry in exchangeInfo.
    pub fn symbols_with_data(&self) -> Vec<String> {
        let has_data = |data: &SymbolData| !data.klines.is_empty() || !data.trades.is_empty() || data.book.is_some();
        self.symbols.iter().filter(|(_, data)| has_data(data)).map(|(name, _)| name.clone()).collect()
    }
}

/// Puts a row in its place; one with the same key is replaced, because later news of it are more complete.
fn upsert(rows: &mut Vec<Row>, row: Row) {
    match rows.binary_search_by_key(&row.key, |known| known.key) {
        Ok(at) => rows[at] = row,
        Err(at) => rows.insert(at, row),
    }
}
