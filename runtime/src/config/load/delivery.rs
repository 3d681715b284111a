//! What happens to batches that do not arrive at once: `distribution.otelier.retry`, `.circuit_breaker` and `.disk_buffer`,
//! and the exporters `otelier/failover` and `otelier/otlp_file`.

use super::cursor::Cursor;
use super::{Findings, transport};
use crate::config::{CircuitBreaker, DiskBuffer, Failover, OtlpFile, Retry, Rotation, Sync, Telemetry};
use std::time::Duration;

pub(super) fn read(root: &Cursor<'_>, telemetry: &mut Telemetry) {
    let Some(own) = root.path(&["distribution", "otelier"]) else { return };
    if let Some(settings) = own.get("retry") {
        telemetry.retry = retry(&settings);
    }
    if let Some(settings) = own.get("circuit_breaker") {
        telemetry.circuit_breaker = circuit_breaker(&settings);
    }
    telemetry.disk_buffer = own.get("disk_buffer").and_then(|settings| disk_buffer(&settings));
}

fn retry(settings: &Cursor<'_>) -> Retry {
    let mut retry = Retry::default();
    for (key, to) in [
        ("initial_backoff", &mut retry.initial_backoff),
        ("max_backoff", &mut retry.max_backoff),
        ("max_elapsed", &mut retry.max_elapsed),
    ] {
        set(settings, key, to);
    }
    if let Some(bytes) = settings.get("max_pending_bytes").and_then(|bytes| bytes.bytes()) {
        retry.max_pending_bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    }
    let statuses = settings.items("also_statuses");
    retry.also_statuses = statuses.iter().filter_map(|status| status.node().as_integer()?.try_into().ok()).collect();
    retry
}

fn circuit_breaker(settings: &Cursor<'_>) -> CircuitBreaker {
    let mut breaker = CircuitBreaker::default();
    for (key, to) in [("failures", &mut breaker.failures), ("successes", &mut breaker.successes)] {
        if let Some(number) = settings.get(key).and_then(|number| u32::try_from(number.node().as_integer()?).ok()) {
            *to = number;
        }
    }
    set(settings, "open_for", &mut breaker.open_for);
    breaker
}

fn disk_buffer(settings: &Cursor<'_>) -> Option<DiskBuffer> {
    let mut buffer = DiskBuffer::in_directory(settings.get("directory")?.text()?);
    if let Some(bytes) = settings.get("max_bytes").and_then(|bytes| bytes.bytes()) {
        buffer.max_bytes = bytes;
    }
    set(settings, "max_age", &mut buffer.max_age);
    if let Some(sync) = settings.get("sync") {
        buffer.sync = match sync.text() {
            Some("never") => Sync::Never,
            Some("always") => Sync::Always,
            _ => sync.duration().map_or(buffer.sync, Sync::Every),
        };
    }
    Some(buffer)
}

pub(super) fn failover(cursor: &Cursor<'_>, findings: &mut Findings) -> Failover {
    let mut members = Vec::new();
    for item in cursor.items("exporters") {
        let Some((name, exporter)) = item.only() else { continue };
        match transport::receiver(name, &exporter, findings) {
            Some(otlp) => members.push(otlp),
            None => exporter.unknown("receiver", ["otlp_http", "otlp_grpc"].into_iter(), findings),
        }
    }
    Failover::between(members)
}

pub(super) fn rotated_file(cursor: &Cursor<'_>) -> Option<OtlpFile> {
    let mut rotation = Rotation::default();
    if let Some(bytes) = cursor.get("max_bytes").and_then(|bytes| bytes.bytes()) {
        rotation.max_bytes = bytes;
    }
    if let Some(files) = cursor.get("max_files").and_then(|files| u32::try_from(files.node().as_integer()?).ok()) {
        rotation.max_files = files;
    }
    rotation.max_age = cursor.get("max_age").and_then(|age| age.duration());
    Some(OtlpFile::to(cursor.get("path")?.file()?).with_rotation(rotation))
}

/// Sets a length of time that is given.
fn set(settings: &Cursor<'_>, key: &str, to: &mut Duration) {
    if let Some(time) = settings.get(key).and_then(|time| time.duration()) {
        *to = time;
    }
}
