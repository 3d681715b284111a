//! The workflow: collect from the exchange, validate, transform, store.

mod collect;
mod error;
mod parse;
mod store;
mod tasks;
#[cfg(test)]
mod tests;
mod transform;
mod validate;

use std::sync::Arc;

use opentelemetry::trace::SpanContext;
use otelier::prelude::*;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::Instant;

pub use error::{Failure, WorkflowError};

use crate::client::{Client, ExchangeError, Request};
use crate::lake::Lake;

/// What a run works on and with.
#[derive(Debug)]
pub struct Job {
    /// Identifies the run.
    pub id: String,
    /// Trading pairs to archive.
    pub symbols: Vec<String>,
    /// Downloads that run at once.
    pub concurrency: usize,
    /// When downloads that still run are cancelled.
    pub deadline: Instant,
    /// The exchange.
    pub client: Client,
    /// Where the files go.
    pub lake: Lake,
}

/// What a run achieved.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Rows that came from the exchange.
    pub records: usize,
    /// Rows that validation refused, by reason.
    pub rejected: Vec<(&'static str, usize)>,
    /// Files written, by layer: bronze, silver, gold.
    pub files: [usize; 3],
    /// Bytes of all files.
    pub bytes: u64,
    /// Work that failed although the run went on.
    pub failures: Vec<Failure>,
    /// Symbols of which at least one file was written.
    pub archived: usize,
}

/// The kinds of data that are archived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Candlesticks.
    Klines,
    /// Aggregated trades.
    Trades,
    /// A snapshot of the order book.
    OrderBook,
}

impl Kind {
    /// All kinds, in the order in which they are collected.
    pub const ALL: [Self; 3] = [Self::Klines, Self::OrderBook, Self::Trades];

    /// The kind as an attribute's value.
    pub fn data_type(self) -> DataType {
        match self {
            Self::Klines => DataType::Klines,
            Self::Trades => DataType::Trades,
            Self::OrderBook => DataType::OrderBook,
        }
    }

    /// The kind as the name of a table.
    pub fn table(self) -> &'static str {
        match self {
            Self::Klines => "klines",
            Self::Trades => "trades",
            Self::OrderBook => "order_book",
        }
    }
}

/// Rows of one kind and symbol, as the exchange wrote them.
#[derive(Debug)]
pub struct Raw {
    /// Trading pair.
    pub symbol: String,
    /// Kind of the rows.
    pub kind: Kind,
    /// The rows.
    pub rows: Vec<Box<RawValue>>,
    /// The span that downloaded them; the files that are made of them link to it.
    pub downloaded_by: SpanContext,
}

/// Runs the workflow once.
///
/// The report of the morning reads the files, so the archive has an objective: whoever looks at the spans of a month sees
/// how often it was late, whatever the reason.
///
/// # Errors
///
/// [`WorkflowError`] if there is nothing to show for the run. Symbols that fail one by one are part of the outcome.
#[trace_workflow(
    crypto.workflow_name = "daily_archive_collection",
    crypto.workflow_id = job.id.as_str(),
    crypto.workflow_type = WorkflowType::Batch,
    crypto.market = Market::Binance,
    crypto.symbol_count = job.symbols.len(),
    slo = "5s",
    sli = "daily_archive_latency",
    operation_type = "batch",
    ret(|outcome|
        crypto.record_count = outcome.records,
        crypto.file_count = outcome.files.iter().sum::<usize>(),
        crypto.data_size_bytes = outcome.bytes)
)]
pub async fn run(job: Arc<Job>) -> Result<Outcome, WorkflowError> {
    event!("collection_started", "app.symbols" = job.symbols.join(","), "app.concurrency" = job.concurrency);
    let limits = tokio::time::timeout_at(job.deadline, announce_limits(&job.client)).await;
    limits.unwrap_or(Err(ExchangeError::Deadline)).map_err(WorkflowError::ExchangeInfo)?;
    let (collected, failures) = collect::stage(&job).await?;
    let mut outcome = Outcome { failures, ..Outcome::default() };
    outcome.records = collected.iter().map(|raw| raw.rows.len()).sum();
    let checked = validate::stage(&job, &collected).await;
    outcome.rejected = validate::rejected(&checked);
    let gold = transform::stage(&checked);
    store::stage(&job, &mut outcome, collected, checked, gold).await?;
    if !outcome.failures.is_empty() {
        event!("partial_success", "app.failed_items" = outcome.failures.len());
    }
    Ok(outcome)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExchangeInfo {
    rate_limits: Vec<RateLimit>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RateLimit {
    rate_limit_type: String,
    limit: u32,
}

/// Asks the exchange what it allows, so that the spans that follow can say how much of it is used.
#[trace_ingestion(crypto.data_type = DataType::ExchangeInfo, late(crypto.record_count))]
async fn announce_limits(client: &Client) -> Result<(), ExchangeError> {
    let body = client.get(&Request::exchange_info()).await?;
    let info: ExchangeInfo = parse::answer(&body)?;
    record!(crypto.record_count = info.rate_limits.len());
    if let Some(weight) = info.rate_limits.iter().find(|limit| limit.rate_limit_type == "REQUEST_WEIGHT") {
        client.set_weight_limit(weight.limit);
    }
    Ok(())
}
