//! A collector that is killed while we send, and comes back.

use super::program::{Running, WAIT, eventually};
use super::rotel::{command, find, is_ready};
use crate::support::{PROTOCOLS, telemetry, turn};
use otelier::Guard;
use otelier::config::{CircuitBreaker, Protocol, Retry};
use otelier::prelude::*;
use otelier_tests::{Behaviour, Receiver};
use std::collections::BTreeSet;
use std::time::Duration;

const EACH: usize = 100;

fn make(telemetry: &Guard) {
    (0..EACH).for_each(|number| trace_block!(name = "made", app.number = number, {}));
    telemetry.force_flush(WAIT).expect("in time");
}

#[test]
fn nothing_is_lost_when_rotel_is_killed_and_comes_back() {
    let Some(program) = find() else { return };
    let _turn = turn();
    for protocol in PROTOCOLS {
        let receiver = Receiver::grpc(Behaviour::Accept).expect("loopback has a free port");
        let start = |ports, _: &std::path::Path| command(&program, &receiver, ports);
        let (rotel, [grpc, http]) = Running::start("rotel", start, is_ready);
        let port = if protocol == Protocol::Grpc { grpc } else { http };
        let retry = Retry::default().with_backoff(Duration::from_millis(100), Duration::from_secs(1));
        // It never opens.
        let breaker = CircuitBreaker::default().with_failures(0);
        let settings = telemetry(protocol, &format!("http://127.0.0.1:{port}"));
        let telemetry = otelier::init(settings.with_retry(retry).with_circuit_breaker(breaker)).expect("it starts");

        make(&telemetry);
        // What it has taken and not handed on would be its own to lose.
        assert_eq!(receiver.wait_for(EACH, WAIT).len(), EACH, "{protocol:?}");
        drop(rotel);
        make(&telemetry);
        let stats = telemetry.stats();
        let exporter = &stats.exporters[0];
        assert_eq!((exporter.exported, exporter.failed), (EACH as u64, 0), "{protocol:?}: {stats}");

        let rotel = Running::start_at("rotel", [grpc, http], start, is_ready).expect("its ports are free again");
        make(&telemetry);
        eventually(|| match telemetry.stats().exporters[0].exported {
            exported if exported == 3 * EACH as u64 => Ok(()),
            exported => Err(format!("{protocol:?}: {exported} are exported: {}", rotel.last_words())),
        });
        let spans = receiver.wait_for(3 * EACH, WAIT);
        let ids: BTreeSet<_> = spans.iter().map(|span| &span.span_id).collect();
        assert_eq!((spans.len(), ids.len()), (3 * EACH, 3 * EACH), "{protocol:?}: each comes once");
        let stats = telemetry.shutdown().expect("in time");
        assert_eq!((stats.exporters[0].failed, stats.exporters[0].rejected), (0, 0), "{protocol:?}: {stats}");
    }
}
