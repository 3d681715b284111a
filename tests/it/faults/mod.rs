//! Receivers, networks and disks that misbehave: whatever they do, every span is delivered or counted, the pipeline ends in
//! its time, and the process works on.

mod accounting;
mod answers;
mod breaker;
mod buffer;
mod certificates;
mod connections;
mod delivery;
mod quirks;
mod signals;

use crate::support::{LONG, at_the_deadline, start};
use otelier::config::{CircuitBreaker, Otlp, Protocol, Retry};
use otelier::prelude::*;
use otelier::{Guard, Stats};
use otelier_tests::{Behaviour, Receiver, SpanId};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// A time for answers that do not come.
const SHORT: Duration = Duration::from_millis(300);

/// The time for a shutdown that has to use it up.
const END: Duration = Duration::from_secs(2);

const ALL_PROTOCOLS: [Protocol; 3] = [Protocol::HttpProtobuf, Protocol::HttpJson, Protocol::Grpc];

/// Settings under which things happen soon.
fn quick(otlp: Otlp) -> Telemetry {
    let retry = Retry::default().with_backoff(Duration::from_millis(1), Duration::from_millis(5));
    Telemetry::default()
        .with_service_name("faults")
        .with_otlp(otlp)
        .with_retry(retry)
        .with_circuit_breaker(CircuitBreaker::never())
        .with_schedule_delay(Duration::from_millis(5))
        .with_max_export_batch_size(16)
        .with_shutdown_timeout(LONG)
}

fn otlp(protocol: Protocol, receiver: &Receiver) -> Otlp {
    Otlp::to(receiver.endpoint()).with_protocol(protocol).with_timeout(LONG)
}

fn script(protocol: Protocol, script: impl IntoIterator<Item = Behaviour>) -> Receiver {
    let started =
        if protocol == Protocol::Grpc { Receiver::grpc_script(script) } else { Receiver::http_script(script) };
    started.expect("loopback has a free port")
}

/// Makes so many spans; their ids.
fn make(count: usize) -> BTreeSet<SpanId> {
    let one = |_| trace_block!(name = "one", { otelier::current_span().span_context().span_id().to_bytes() });
    (0..count).map(one).collect()
}

/// Shuts down where nothing keeps it.
fn end(telemetry: Guard) -> Stats {
    telemetry.shutdown().expect("in time")
}

/// Gives more and more time to what is limited to it, until that is enough for this machine.
fn with_time_enough<T>(run: impl FnMut(Duration) -> Option<T>) -> T {
    let times = [100, 1000, 10_000, 60_000].map(Duration::from_millis);
    times.into_iter().find_map(run).expect("no time is enough")
}

/// Checks after a shutdown that every span was delivered or counted, by each exporter.
fn check_sum(stats: &Stats, made: usize) {
    assert_eq!(stats.started, made as u64, "{stats:?}");
    for exporter in &stats.exporters {
        let counted = stats.dropped() + exporter.exported + exporter.failed + exporter.rejected;
        assert_eq!((stats.open, counted), (0, made as u64), "{stats:?}");
    }
}

/// Waits until it is so.
#[allow(dead_code, reason = "used by `delivery`, `breaker` and `buffer`, which wait for what they test")]
fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !so() {
        assert!(begin.elapsed() < LONG, "{what}: not within {LONG:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Checks that a new pipeline of this process delivers.
fn check_usable(protocol: Protocol) {
    let receiver = script(protocol, [Behaviour::Accept]);
    let telemetry = start(quick(otlp(protocol, &receiver).with_timeout(LONG)));
    let made = make(20);
    check_sum(&end(telemetry), 20);
    assert_eq!(receiver.accepted_ids(), made);
}
