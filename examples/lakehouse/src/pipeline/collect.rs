//! The first stage: downloads, one work item for each symbol and kind of data.

use std::sync::Arc;

use otelier::current_span;
use otelier::prelude::*;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::{Failure, WorkflowError};
use super::parse::{answer, open_time};
use super::tasks::concurrently;
use super::{Job, Kind, Raw};
use crate::client::{Client, ExchangeError, Request};

/// One day of minutes.
const CANDLES: usize = 24 * 60;
/// The most rows the exchange returns at once.
const PAGE: usize = 1_000;
const TRADES: usize = 1_000;
const LEVELS: usize = 100;

/// Downloads everything; returns what came, and what failed.
#[trace_stage(
    crypto.stage_name = "collect",
    crypto.market = Market::Binance,
    crypto.symbol_count = job.symbols.len(),
    ret(|(collected, _)| crypto.record_count = collected.iter().map(|raw| raw.rows.len()).sum::<usize>())
)]
pub async fn stage(job: &Arc<Job>) -> Result<(Vec<Raw>, Vec<Failure>), WorkflowError> {
    let items: Vec<(&String, Kind)> =
        job.symbols.iter().flat_map(|symbol| Kind::ALL.map(|kind| (symbol, kind))).collect();
    let work = items.iter().map(|(symbol, kind)| item(Arc::clone(job), (*symbol).clone(), *kind));
    let results = concurrently(job.concurrency, work).await;

    let (mut collected, mut failures) = (Vec::new(), Vec::new());
    for ((symbol, kind), result) in items.into_iter().zip(results) {
        match result.unwrap_or(Err(ExchangeError::Panicked)) {
            Ok(raw) => collected.push(raw),
            Err(error) => failures.push(Failure::new(format!("{} of {symbol}", kind.table()), &error)),
        }
    }
    if collected.is_empty() {
        return Err(WorkflowError::NothingCollected { failures });
    }
    Ok((collected, failures))
}

/// One work item. The deadline drops what still runs then, and the spans say so.
async fn item(job: Arc<Job>, symbol: String, kind: Kind) -> Result<Raw, ExchangeError> {
    let download = Download { client: &job.client, symbol: &symbol };
    let download = async {
        match kind {
            Kind::Klines => download.klines().await,
            Kind::Trades => download.trades().await,
            Kind::OrderBook => download.order_book().await,
        }
    };
    tokio::time::timeout_at(job.deadline, download).await.unwrap_or(Err(ExchangeError::Deadline))
}

/// What is downloaded for one symbol.
#[derive(Clone, Copy, Debug)]
struct Download<'a> {
    client: &'a Client,
    symbol: &'a str,
}

/// Every method is one kind of data; what all of their spans have is said once, here.
#[trace_ingestion(crypto.symbol = self.symbol, ret(|raw| crypto.record_count = raw.rows.len()))]
impl Download<'_> {
    /// Candlesticks of the last day, page by page from the end; hours where there are no minutes.
    #[trace(crypto.data_type = DataType::Klines, late(crypto.timeframe))]
    async fn klines(self) -> Result<Raw, ExchangeError> {
        let mut rows = self.pages(Timeframe::Minute, "1m").await?;
        if rows.is_empty() {
            event!("timeframe_fallback", "app.from" = "1m", "app.to" = "1h");
            rows = self.pages(Timeframe::Hour, "1h").await?;
            record!(crypto.timeframe = Timeframe::Hour);
        } else {
            record!(crypto.timeframe = Timeframe::Minute);
        }
        Ok(self.raw(Kind::Klines, rows))
    }

    /// The last trades. Trades are what readers wait for, so a slow answer is not waited for alone: a second request races
    /// the first, and the loser is cancelled. The budget says whether that was fast enough.
    #[trace(crypto.data_type = DataType::Trades, budget = "400ms")]
    async fn trades(self) -> Result<Raw, ExchangeError> {
        let client = self.client;
        let request = Request::agg_trades(self.symbol, TRADES);
        let mut first = std::pin::pin!(client.get(&request));
        let body = match tokio::time::timeout(client.timeout() / 2, &mut first).await {
            Ok(done) => done?,
            // While the exchange wants no requests, a second one would only wait beside the first.
            Err(_) if client.is_held_back() => first.await?,
            Err(_) => {
                event!("hedged_request", "app.after_s" = (client.timeout() / 2).as_secs_f64());
                either(first, client.get(&request)).await?
            }
        };
        Ok(self.raw(Kind::Trades, answer(&body)?))
    }

    /// The order book as it is now; one row for each level.
    #[trace(crypto.data_type = DataType::OrderBook)]
    async fn order_book(self) -> Result<Raw, ExchangeError> {
        let body = self.client.get(&Request::depth(self.symbol, LEVELS)).await?;
        let depth: Depth = answer(&body)?;
        let sides = [("bid", &depth.bids), ("ask", &depth.asks)];
        let levels = sides.iter().flat_map(|(side, levels)| levels.iter().enumerate().map(move |level| (side, level)));
        let rows: Result<Vec<_>, _> = levels
            .map(|(side, (rank, level))| {
                RawValue::from_string(format!(r#"["{side}",{rank},{level},{}]"#, depth.last_update_id))
            })
            .collect();
        let rows =
            rows.map_err(|error| ExchangeError::InvalidJson { bytes: body.get().len(), reason: error.to_string() })?;
        Ok(self.raw(Kind::OrderBook, rows))
    }

    /// Rows, and the span that is active now: that of the method that downloaded them.
    #[trace(skip)]
    fn raw(self, kind: Kind, rows: Vec<Box<RawValue>>) -> Raw {
        Raw { symbol: self.symbol.to_owned(), kind, rows, downloaded_by: current_span().span_context() }
    }

    #[trace(skip)]
    async fn pages(self, timeframe: Timeframe, interval: &str) -> Result<Vec<Box<RawValue>>, ExchangeError> {
        let mut rows: Vec<Box<RawValue>> = Vec::new();
        let mut end = None;
        while rows.len() < CANDLES {
            let limit = PAGE.min(CANDLES - rows.len());
            let body = self.client.get(&Request::klines(self.symbol, timeframe, interval, limit, end)).await?;
            let page: Vec<Box<RawValue>> = answer(&body)?;
            let came = page.len();
            end = page.first().and_then(|row| open_time(row)).map(|first| first - 1);
            rows.splice(0..0, page);
            // A short page is the last one, and without a time there is no way to ask for the page before.
            if came < limit || end.is_none() {
                break;
            }
        }
        Ok(rows)
    }
}

/// The first success of two requests, or the second failure.
async fn either<T>(
    mut first: std::pin::Pin<&mut impl Future<Output = Result<T, ExchangeError>>>,
    second: impl Future<Output = Result<T, ExchangeError>>,
) -> Result<T, ExchangeError> {
    let mut second = std::pin::pin!(second);
    tokio::select! {
        result = &mut first => match result {
            Ok(body) => Ok(body),
            Err(_) => second.await,
        },
        result = &mut second => match result {
            Ok(body) => Ok(body),
            Err(_) => first.await,
        },
    }
}

#[derive(Deserialize)]
struct Depth {
    #[serde(rename = "lastUpdateId")]
    last_update_id: i64,
    bids: Vec<Box<RawValue>>,
    asks: Vec<Box<RawValue>>,
}
