//! What a receiver's answers come to, one by one.

use super::{LONG, script, start};
use crate::support::{PROTOCOLS, receiver, telemetry, turn};
use otelier::config::{Otlp, Protocol, Retry};
use otelier::prelude::*;
use otelier::{ExporterStats, Guard};
use otelier_tests::Behaviour;
use std::time::Duration;

/// Sends one span, and gives the exporter's numbers since the start.
fn send(telemetry: &Guard) -> ExporterStats {
    trace_block!(name = "one", {});
    telemetry.force_flush(LONG).expect("in time");
    telemetry.stats().exporters.remove(0)
}

#[test]
fn a_receiver_that_restarts_between_two_batches_loses_none() {
    let _turn = turn();
    for protocol in PROTOCOLS {
        let first = receiver(protocol, Behaviour::Accept);
        let telemetry = start(telemetry(protocol, &first.endpoint()));
        assert_eq!(send(&telemetry).exported, 1);
        let second = first.restart(Behaviour::Accept).expect("the port is still free");
        let stats = send(&telemetry);
        assert_eq!((stats.exported, stats.failed), (2, 0), "{protocol:?}: {stats:?}");
        assert_eq!(second.spans().len(), 1);
    }
}

#[test]
fn a_receiver_that_recovers_gets_the_batches_that_follow() {
    let _turn = turn();
    for protocol in PROTOCOLS {
        let receiver = script(protocol, [Behaviour::Fail(500), Behaviour::Disconnect, Behaviour::Accept]);
        let telemetry = start(telemetry(protocol, &receiver.endpoint()).with_retry(Retry::never()));
        let numbers = [0, 1, 2].map(|_| send(&telemetry)).map(|stats| (stats.exported, stats.failed));
        assert_eq!(numbers, [(0, 1), (0, 2), (1, 2)], "{protocol:?}");
        assert_eq!(receiver.spans().len(), 3, "no batch is sent twice");
    }
}

#[test]
fn a_success_whose_body_breaks_off_or_never_ends_is_a_success() {
    let _turn = turn();
    for behaviour in [Behaviour::Truncate, Behaviour::HangInBody] {
        let receiver = receiver(Protocol::HttpProtobuf, behaviour.clone());
        let stats = send(&start(telemetry(Protocol::HttpProtobuf, &receiver.endpoint())));
        assert_eq!((stats.exported, stats.failed), (1, 0), "{behaviour:?}: {stats:?}");
    }
}

#[test]
fn a_receiver_without_the_trace_service_is_named() {
    let _turn = turn();
    for (protocol, expected) in
        [(Protocol::HttpProtobuf, "answered 501: on purpose"), (Protocol::Grpc, "answered Unimplemented: on purpose")]
    {
        let receiver = receiver(protocol, Behaviour::Status(tonic::Code::Unimplemented));
        let stats = send(&start(telemetry(protocol, &receiver.endpoint())));
        assert_eq!((stats.exported, stats.failed), (0, 1));
        let error = stats.last_error.expect("a reason");
        assert!(error.contains(&receiver.endpoint()) && error.ends_with(expected), "{error}");
    }
}

#[test]
fn a_request_that_gets_no_answer_ends_at_its_timeout_and_names_it() {
    let _turn = turn();
    for protocol in PROTOCOLS {
        let receiver = receiver(protocol, Behaviour::Hang);
        let otlp = Otlp::to(receiver.endpoint()).with_protocol(protocol).with_timeout(Duration::from_millis(200));
        let telemetry = start(Telemetry::default().with_otlp(otlp).with_retry(Retry::never()));
        let stats = send(&telemetry);
        assert_eq!((stats.exported, stats.failed), (0, 1));
        let error = stats.last_error.expect("a reason");
        assert!(error.ends_with("did not answer within 200ms"), "{error}");
    }
}

#[test]
fn a_receiver_of_the_other_protocol_is_an_error_and_no_hang() {
    let _turn = turn();
    for (ours, theirs) in [(Protocol::HttpProtobuf, Protocol::Grpc), (Protocol::Grpc, Protocol::HttpProtobuf)] {
        let receiver = receiver(theirs, Behaviour::Accept);
        let otlp = Otlp::to(receiver.endpoint()).with_protocol(ours).with_timeout(LONG * 9);
        let stats = send(&start(telemetry(ours, &receiver.endpoint()).with_otlp(otlp)));
        assert_eq!((stats.exported, stats.failed), (0, 1), "{stats:?}");
        assert!(stats.last_error.is_some_and(|error| error.contains(&receiver.endpoint())));
    }
}
