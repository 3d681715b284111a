//! Processors: how what an exporter gets is batched.

use super::Findings;
use super::cursor::Cursor;
use crate::config::Batching;
use std::time::Duration;

/// A processor's batching and the configuration of its exporter.
pub(super) fn processor<'a>(
    item: &Cursor<'a>,
    usual: &Batching,
    findings: &mut Findings,
) -> Option<(Batching, &'a str, Cursor<'a>)> {
    let (kind, processor) = item.only()?;
    let batching = match kind {
        "batch" => batching(&processor, usual),
        // As soon as a span has ended.
        "simple" => Batching { schedule_delay: Duration::ZERO, max_export_batch_size: 1, ..usual.clone() },
        "event_to_span_event_bridge/development" => {
            processor.refuse(
                "log records that are events do not become events of spans here; record those by `event!`",
                findings,
            );
            return None;
        }
        _ => {
            processor.unknown("processor", ["batch", "simple"].into_iter(), findings);
            return None;
        }
    };
    let exporter = processor.get("exporter")?;
    let (name, exporter) = exporter.only()?;
    Some((batching, name, exporter))
}

fn batching(processor: &Cursor<'_>, usual: &Batching) -> Batching {
    let mut batching = usual.clone();
    let get = |key: &str| processor.get(key);
    batching.schedule_delay =
        get("schedule_delay").and_then(|delay| delay.milliseconds()).unwrap_or(usual.schedule_delay);
    batching.export_timeout = get("export_timeout").and_then(|limit| limit.limit()).unwrap_or(usual.export_timeout);
    batching.max_queue_size = get("max_queue_size").and_then(|size| size.size()).unwrap_or(usual.max_queue_size);
    let largest = get("max_export_batch_size").and_then(|size| size.size());
    // The specification's default is 512; a smaller queue has room for no more than it holds.
    batching.max_export_batch_size = largest.unwrap_or(usual.max_export_batch_size.min(batching.max_queue_size));
    batching
}
