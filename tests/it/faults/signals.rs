//! Metrics and log records go the way of spans: retries, circuit breakers and failover are theirs, too.

use super::{END, LONG, at_the_deadline, breaker, end, otlp, quick, script, start, until};
use crate::support::turn;
use opentelemetry::global;
use otelier::config::{
    CircuitBreaker, ExceptionSignal, Failover, LogExporter, MetricExporter, MetricReader, Protocol, Retry,
};
use otelier::prelude::*;
use otelier_tests::{Behaviour, Receiver};
use std::time::Duration;

const BOTH: [Protocol; 2] = [Protocol::HttpProtobuf, Protocol::Grpc];
const SOON: Duration = Duration::from_millis(20);

/// Metrics alone.
fn metrics(reader: MetricReader) -> Telemetry {
    let retry = Retry::default().with_backoff(Duration::from_millis(1), Duration::from_millis(5));
    Telemetry::default()
        .with_service_name("faults")
        .with_metrics(reader)
        .with_retry(retry)
        .with_circuit_breaker(CircuitBreaker::never())
        .with_shutdown_timeout(LONG)
}

fn count_one() {
    global::meter("faults").u64_counter("orders").build().add(1, &[]);
}

#[test]
fn metrics_that_a_receiver_cannot_take_now_are_sent_again() {
    let _turn = turn();
    for protocol in BOTH {
        let receiver = script(protocol, [Behaviour::Accept]);
        receiver.answer_metrics(Behaviour::Fail(503));
        let telemetry = start(metrics(MetricReader::otlp(otlp(protocol, &receiver)).with_interval(SOON)));
        count_one();
        until("it is sent again", || telemetry.stats().exporters[0].retries > 2);
        receiver.answer_metrics(Behaviour::Accept);
        assert!(!receiver.wait_for_metrics(1, LONG).is_empty(), "{:?}", telemetry.stats());
        let stats = end(telemetry);
        let exporter = &stats.exporters[0];
        assert!(exporter.exported > 0 && exporter.failed == 0, "{protocol:?}: {stats:?}");
    }
}

#[test]
fn metrics_that_wait_for_their_next_attempt_hold_up_no_flush() {
    let _turn = turn();
    for protocol in BOTH {
        let receiver = script(protocol, [Behaviour::Accept]);
        receiver.answer_metrics(Behaviour::Fail(503));
        let long = Retry::default().with_backoff(LONG * 9, LONG * 9).with_max_elapsed(LONG * 99);
        let reader = MetricReader::otlp(otlp(protocol, &receiver)).with_interval(SOON).with_timeout(LONG * 99);
        let telemetry = start(metrics(reader).with_retry(long));
        count_one();
        until("the first attempt has failed", || telemetry.stats().exporters[0].retries > 0);
        for flush in 1..5 {
            telemetry.force_flush(LONG).expect("it was tried at once");
            let stats = telemetry.stats();
            assert!(stats.exporters[0].retries > flush, "{protocol:?}: {stats:?}");
        }
        receiver.answer_metrics(Behaviour::Accept);
        telemetry.force_flush(LONG).expect("in time");
        assert!(!receiver.metric_requests().is_empty(), "{protocol:?}");
        end(telemetry);
    }
}

#[test]
fn a_receiver_of_metrics_that_keeps_failing_is_left_alone_at_every_interval() {
    let _turn = turn();
    for protocol in BOTH {
        let receiver = script(protocol, [Behaviour::Accept]);
        receiver.answer_metrics(Behaviour::Fail(503));
        // Given up before the next interval.
        let reader = MetricReader::otlp(otlp(protocol, &receiver)).with_interval(SOON).with_timeout(SOON);
        let breaker = CircuitBreaker::default().with_failures(1).with_open_for(LONG * 9);
        let telemetry = start(metrics(reader).with_circuit_breaker(breaker));
        count_one();
        until("twenty exports are over", || telemetry.stats().exporters[0].failed >= 20);
        let stats = telemetry.stats();
        let attempts: u64 = stats.exporters[0].receivers.iter().map(|receiver| receiver.attempts).sum();
        assert_eq!(attempts, 1, "{protocol:?}: {stats:?}");
        drop(telemetry);
    }
}

/// Ways in which the preferred of two receivers does not take what comes.
fn faults() -> [Behaviour; 3] {
    [Behaviour::Fail(503), Behaviour::Disconnect, Behaviour::Fail(401)]
}

#[test]
fn metrics_go_to_the_next_receiver_of_a_failover() {
    let _turn = turn();
    for protocol in BOTH {
        for fault in faults() {
            let (primary, secondary) = (script(protocol, [Behaviour::Accept]), script(protocol, [Behaviour::Accept]));
            primary.answer_metrics(fault.clone());
            let failover = Failover::between([otlp(protocol, &primary), otlp(protocol, &secondary)]);
            let telemetry = start(metrics(MetricReader::new(MetricExporter::Failover(failover))));
            count_one();
            telemetry.force_flush(LONG).expect("in time");
            let stats = end(telemetry);
            let exporter = &stats.exporters[0];
            assert!(exporter.exported >= 1 && exporter.failed == 0, "{protocol:?}, {fault:?}: {stats:?}");
            assert!(!secondary.metric_requests().is_empty(), "{fault:?}");
        }
    }
}

fn with_logs(protocol: Protocol, logs: Behaviour) -> Receiver {
    let started = match protocol {
        Protocol::Grpc => Receiver::grpc_with_logs(Behaviour::Accept, logs),
        _ => Receiver::http_with_logs(Behaviour::Accept, logs),
    };
    started.expect("loopback has a free port")
}

/// Fails, with an exception.
#[trace]
fn parse(text: &str) -> Result<u8, std::num::ParseIntError> {
    text.parse()
}

fn logs(spans: &Receiver, protocol: Protocol, exporter: LogExporter) -> Telemetry {
    quick(otlp(protocol, spans)).with_exception_signal(ExceptionSignal::Logs).with_log_exporters([exporter])
}

#[test]
fn log_records_that_a_receiver_cannot_take_now_wait_and_are_counted() {
    let _turn = turn();
    for protocol in BOTH {
        for breaker in [CircuitBreaker::never(), breaker::breaker(2, 1).with_open_for(LONG * 9)] {
            let receiver = with_logs(protocol, Behaviour::Fail(503));
            let exporter = LogExporter::Otlp(otlp(protocol, &receiver));
            let settings = logs(&receiver, protocol, exporter).with_circuit_breaker(breaker).with_shutdown_timeout(END);
            let stats = at_the_deadline(|| {
                let telemetry = start(settings.clone());
                (0..10).for_each(|_| assert!(parse("seven").is_err()));
                telemetry.force_flush(LONG).expect("in time");
                let stats = telemetry.stats();
                let (spans, logs) = (&stats.exporters[0], &stats.exporters[1]);
                assert_eq!((spans.exported, logs.pending, logs.failed), (10, 10, 0), "{protocol:?}: {stats:?}");
                telemetry.shutdown()
            });
            let (spans, logs) = (&stats.exporters[0], &stats.exporters[1]);
            assert_eq!((spans.exported, logs.pending, logs.failed), (10, 0, 10), "{protocol:?}: {stats:?}");
        }
    }
}

#[test]
fn log_records_go_to_the_next_receiver_of_a_failover() {
    let _turn = turn();
    for protocol in BOTH {
        for fault in faults() {
            let (primary, secondary) = (with_logs(protocol, fault.clone()), with_logs(protocol, Behaviour::Accept));
            let failover = Failover::between([otlp(protocol, &primary), otlp(protocol, &secondary)]);
            let telemetry = start(logs(&primary, protocol, LogExporter::Failover(failover)));
            (0..10).for_each(|_| assert!(parse("seven").is_err()));
            telemetry.force_flush(LONG).expect("in time");
            let stats = end(telemetry);
            assert_eq!((stats.exporters[1].exported, stats.exporters[1].failed), (10, 0), "{fault:?}: {stats:?}");
            assert_eq!(secondary.log_records().len(), 10, "{protocol:?}, {fault:?}");
        }
    }
}
