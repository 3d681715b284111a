//! The last stage: Parquet files in three layers.

use std::collections::BTreeSet;
use std::sync::Arc;

use opentelemetry::trace::SpanContext;
use otelier::prelude::*;

use super::error::{Failure, WorkflowError};
use super::parse::{Kline, Level, Trade};
use super::tasks::concurrently;
use super::transform::Gold;
use super::validate::{Checked, Rows};
use super::{Job, Kind, Outcome, Raw};
use crate::lake::{Column, Lake, LakeError, Table};

/// One file to be written.
#[derive(Debug)]
struct Object {
    layer: Layer,
    /// Position of the layer in [`Outcome::files`].
    layer_index: usize,
    kind: Kind,
    /// The trading pair; nothing if the file is about several.
    symbol: Option<String>,
    key: String,
    table: Table,
    /// The spans that downloaded what the table was made of.
    sources: Vec<SpanContext>,
}

/// Writes all layers, and adds to the outcome what was written and what failed.
#[trace_stage(crypto.stage_name = "store", late(crypto.file_count, crypto.data_size_bytes))]
pub async fn stage(
    job: &Arc<Job>,
    outcome: &mut Outcome,
    collected: Vec<Raw>,
    checked: Vec<Checked>,
    gold: Gold,
) -> Result<(), WorkflowError> {
    let mut objects: Vec<Object> = collected.iter().map(bronze).collect();
    objects.extend(checked.iter().map(silver));
    objects.extend(gold.into_iter().map(|(name, kind, table)| golden(name, kind, table, &checked)));
    objects.retain(|object| object.table.rows() > 0);

    let labels: Vec<(usize, Option<String>, String)> =
        objects.iter().map(|object| (object.layer_index, object.symbol.clone(), object.key.clone())).collect();
    let work = objects.into_iter().map(|object| write(Arc::clone(job), object));
    let results = concurrently(job.concurrency, work).await;

    let (mut archived, mut first_error) = (BTreeSet::new(), None);
    for ((layer, symbol, key), result) in labels.into_iter().zip(results) {
        match result.unwrap_or(Err(LakeError::Panicked)) {
            Ok(bytes) => {
                outcome.files[layer] += 1;
                outcome.bytes += bytes;
                archived.extend(symbol);
            }
            Err(error) => {
                outcome.failures.push(Failure::new(key, &error));
                first_error.get_or_insert(error);
            }
        }
    }
    outcome.archived = archived.len();
    if let (0, Some(error)) = (outcome.files.iter().sum::<usize>(), first_error) {
        return Err(WorkflowError::NothingStored(error));
    }
    record!(crypto.file_count = outcome.files.iter().sum::<usize>());
    record!(crypto.data_size_bytes = outcome.bytes);
    Ok(())
}

async fn write(job: Arc<Job>, object: Object) -> Result<u64, LakeError> {
    put(&job.lake, &object).await
}

/// Encodes one table and writes it as one file. The downloads it was made of are in another stage, so no parent tells of
/// them; the span links to them instead: one for bronze and silver, one of every symbol for gold.
#[trace_storage(
    crypto.symbol = object.symbol.as_deref(),
    crypto.data_type = object.kind.data_type(),
    storage.operation = StorageOperation::Put,
    lakehouse.layer = object.layer,
    lakehouse.format = "parquet",
    storage.bucket = lake.name(),
    storage.key = object.key.as_str(),
    crypto.record_count = object.table.rows(),
    link = &object.sources,
    ret(crypto.data_size_bytes)
)]
async fn put(lake: &Lake, object: &Object) -> Result<u64, LakeError> {
    let bytes = object.table.to_parquet()?;
    let size = bytes.len() as u64;
    lake.put(&object.key, bytes).await?;
    Ok(size)
}

fn bronze(raw: &Raw) -> Object {
    let table = Table::new([
        ("row", Column::Int((0..raw.rows.len() as i64).collect())),
        ("payload", Column::Text(raw.rows.iter().map(|row| row.get().to_owned()).collect())),
    ]);
    let (kind, symbol) = (raw.kind, raw.symbol.clone());
    let key = format!("bronze/{}/symbol={symbol}/part-0.parquet", kind.table());
    let sources = vec![raw.downloaded_by.clone()];
    Object { layer: Layer::Bronze, layer_index: 0, kind, symbol: Some(symbol), key, table, sources }
}

fn silver(checked: &Checked) -> Object {
    let table = match &checked.rows {
        Rows::Klines(rows) => klines(rows),
        Rows::Trades(rows) => trades(rows),
        Rows::OrderBook(rows) => levels(rows),
    };
    let (kind, symbol) = (checked.kind, checked.symbol.clone());
    let key = format!("silver/{}/symbol={symbol}/part-0.parquet", kind.table());
    let sources = vec![checked.downloaded_by.clone()];
    Object { layer: Layer::Silver, layer_index: 1, kind, symbol: Some(symbol), key, table, sources }
}

fn golden(name: &str, kind: Kind, table: Table, checked: &[Checked]) -> Object {
    let key = format!("gold/{name}/part-0.parquet");
    let sources = checked.iter().filter(|set| set.kind == kind).map(|set| set.downloaded_by.clone()).collect();
    Object { layer: Layer::Gold, layer_index: 2, kind, symbol: None, key, table, sources }
}

fn klines(rows: &[Kline]) -> Table {
    let number = |value: fn(&Kline) -> f64| Column::Double(rows.iter().map(value).collect());
    Table::new([
        ("open_time", Column::Millis(rows.iter().map(|row| row.open_time).collect())),
        ("open", number(|row| row.open)),
        ("high", number(|row| row.high)),
        ("low", number(|row| row.low)),
        ("close", number(|row| row.close)),
        ("volume", number(|row| row.volume)),
        ("close_time", Column::Millis(rows.iter().map(|row| row.close_time).collect())),
        ("quote_volume", number(|row| row.quote_volume)),
        ("trade_count", Column::Int(rows.iter().map(|row| row.trade_count).collect())),
        ("taker_buy_volume", number(|row| row.taker_buy_volume)),
    ])
}

fn trades(rows: &[Trade]) -> Table {
    Table::new([
        ("id", Column::Int(rows.iter().map(|row| row.id).collect())),
        ("time", Column::Millis(rows.iter().map(|row| row.time).collect())),
        ("price", Column::Double(rows.iter().map(|row| row.price).collect())),
        ("quantity", Column::Double(rows.iter().map(|row| row.quantity).collect())),
        ("buyer_is_maker", Column::Bool(rows.iter().map(|row| row.buyer_is_maker).collect())),
    ])
}

fn levels(rows: &[Level]) -> Table {
    let side = |row: &Level| if row.is_bid { "bid" } else { "ask" }.to_owned();
    Table::new([
        ("side", Column::Text(rows.iter().map(side).collect())),
        ("rank", Column::Int(rows.iter().map(|row| row.rank).collect())),
        ("price", Column::Double(rows.iter().map(|row| row.price).collect())),
        ("quantity", Column::Double(rows.iter().map(|row| row.quantity).collect())),
        ("last_update_id", Column::Int(rows.iter().map(|row| row.last_update_id).collect())),
    ])
}
