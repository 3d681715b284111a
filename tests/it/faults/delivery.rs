//! Batches that are sent again: what is only late arrives, and what cannot arrive is counted.

use super::{
    ALL_PROTOCOLS, END, LONG, SHORT, at_the_deadline, check_sum, end, make, otlp, quick, script, start, until,
    with_time_enough,
};
use crate::support::turn;
use otelier::ExporterStats;
use otelier::config::{CircuitBreaker, Compression, Protocol, Retry};
use otelier_tests::{Behaviour, Receiver, http_date, retry_info};
use std::time::{Duration, Instant, SystemTime};
use tonic::Code;

fn retry(max_elapsed: Duration) -> Retry {
    Retry::default().with_backoff(Duration::from_millis(1), Duration::from_millis(5)).with_max_elapsed(max_elapsed)
}

/// What was lost for this reason.
fn lost(stats: &ExporterStats, reason: &str) -> u64 {
    stats.lost.iter().filter(|(own, _)| *own == reason).map(|(_, count)| count).sum()
}

/// How this protocol says that a receiver is overloaded.
fn overloaded(protocol: Protocol) -> Behaviour {
    if protocol == Protocol::Grpc { Behaviour::Status(Code::Unavailable) } else { Behaviour::Fail(503) }
}

#[test]
fn what_another_attempt_can_help_arrives_once() {
    let _turn = turn();
    let mut cases = Vec::new();
    for protocol in [Protocol::HttpProtobuf, Protocol::HttpJson] {
        cases.extend([429, 502, 503, 504].map(|status| (protocol, Behaviour::Fail(status))));
        // What makes no sense counts as none.
        cases.extend(
            ["0", "-1", "soon", "", "1.5"].map(|pause| (protocol, Behaviour::Throttle(429, vec![pause.into()]))),
        );
        cases.push((protocol, Behaviour::Throttle(503, vec![http_date(SystemTime::UNIX_EPOCH)])));
    }
    for code in
        [Code::Cancelled, Code::DeadlineExceeded, Code::Aborted, Code::OutOfRange, Code::Unavailable, Code::DataLoss]
    {
        cases.push((Protocol::Grpc, Behaviour::Status(code)));
    }
    let info = retry_info(Code::ResourceExhausted, 0, 1_000_000);
    cases.push((Protocol::Grpc, Behaviour::Details(Code::ResourceExhausted, info)));
    for protocol in ALL_PROTOCOLS {
        cases.extend([Behaviour::Disconnect, Behaviour::Reset, Behaviour::ResetUnread].map(|fault| (protocol, fault)));
        cases.push((protocol, Behaviour::Hang));
    }
    for (protocol, fault) in cases {
        let receiver = script(protocol, [fault.clone(), fault.clone(), Behaviour::Accept]);
        let timeout = if fault == Behaviour::Hang { SHORT } else { LONG };
        let telemetry = start(quick(otlp(protocol, &receiver).with_timeout(timeout)));
        let made = make(10);
        assert_eq!(receiver.wait_for_ids(10, LONG), 10, "{protocol:?}, {fault:?}: {:?}", telemetry.stats());
        let stats = end(telemetry);
        check_sum(&stats, 10);
        let exporter = &stats.exporters[0];
        assert_eq!((exporter.exported, exporter.failed), (10, 0), "{protocol:?}, {fault:?}: {stats:?}");
        assert!(exporter.retries >= 1 && exporter.pending == 0, "{protocol:?}, {fault:?}: {stats:?}");
        assert_eq!((receiver.accepted_ids(), receiver.ids_twice().len()), (made, 0), "{protocol:?}, {fault:?}");
    }
}

#[test]
fn a_receiver_that_fails_at_first_or_now_and_then_gets_everything() {
    let _turn = turn();
    for protocol in ALL_PROTOCOLS {
        let fail = Box::new(overloaded(protocol));
        let random = Behaviour::Randomly { fail, per_mille: 300, seed: 1 };
        for last in [Behaviour::Accept, random] {
            let receiver = script(protocol, vec![overloaded(protocol); 20].into_iter().chain([last])).counting();
            let telemetry = start(quick(otlp(protocol, &receiver).with_timeout(LONG)));
            let made = make(1000);
            assert_eq!(receiver.wait_for_ids(1000, LONG), 1000, "{protocol:?}: {:?}", telemetry.stats());
            let stats = end(telemetry);
            check_sum(&stats, 1000);
            assert_eq!((stats.exporters[0].exported, receiver.ids_twice().len()), (1000, 0), "{stats:?}");
            assert_eq!(receiver.accepted_ids(), made);
        }
    }
}

#[test]
fn a_receiver_that_is_gone_for_a_while_misses_nothing() {
    let _turn = turn();
    for protocol in ALL_PROTOCOLS {
        let mut receiver = script(protocol, [Behaviour::Accept]);
        let telemetry = start(quick(otlp(protocol, &receiver)));
        let mut made = make(100);
        telemetry.force_flush(LONG).expect("in time");
        receiver.stop();
        made.extend(make(300));
        telemetry.force_flush(LONG).expect("a receiver that is gone does not hold up a flush");
        let during = telemetry.stats();
        assert_eq!((during.exporters[0].pending, during.exporters[0].failed), (300, 0), "{protocol:?}: {during:?}");
        receiver.start_again().expect("the port was kept");
        made.extend(make(100));
        assert_eq!(receiver.wait_for_ids(500, LONG), 500, "{protocol:?}: {:?}", telemetry.stats());
        let stats = end(telemetry);
        check_sum(&stats, 500);
        assert_eq!((receiver.accepted_ids(), stats.exporters[0].failed), (made, 0), "{protocol:?}: {stats:?}");
    }
}

#[test]
fn an_answer_that_is_lost_brings_its_batch_twice_and_no_other() {
    let _turn = turn();
    for protocol in ALL_PROTOCOLS {
        let receiver = script(protocol, [Behaviour::ResetInAnswer(0), Behaviour::Accept]);
        let telemetry = start(quick(otlp(protocol, &receiver).with_timeout(LONG)));
        let made = make(100);
        until("everything arrived", || telemetry.stats().exporters[0].exported == 100);
        check_sum(&end(telemetry), 100);
        let twice = receiver.ids_twice();
        assert_eq!(receiver.accepted_ids(), made);
        // Over gRPC four requests are on their way on the connection.
        let most = if protocol == Protocol::Grpc { 4 * 16 } else { 16 };
        assert!(twice.len() <= most, "{protocol:?}: {} spans came twice", twice.len());
    }
}

/// When the first two requests arrive if the first one is answered like this.
fn arrivals_with(protocol: Protocol, answer: Behaviour) -> [Instant; 2] {
    let receiver = script(protocol, [answer.clone(), Behaviour::Accept]);
    let telemetry = start(quick(otlp(protocol, &receiver)));
    make(1);
    assert_eq!(receiver.wait_for_arrivals(2, LONG), 2, "{answer:?}: {:?}", telemetry.stats());
    check_sum(&end(telemetry), 1);
    let arrivals = receiver.arrivals();
    [arrivals[0].at, arrivals[1].at]
}

/// The pause between them.
fn pause_after(protocol: Protocol, answer: Behaviour) -> Duration {
    let [first, second] = arrivals_with(protocol, answer);
    second - first
}

#[test]
fn a_pause_that_the_receiver_asks_for_is_kept() {
    let _turn = turn();
    let second = Duration::from_secs(1);
    for answer in [429, 503].map(|status| Behaviour::Throttle(status, vec!["1".to_owned()])) {
        assert!(pause_after(Protocol::HttpProtobuf, answer.clone()) >= second, "{answer:?}");
    }
    assert!(pause_after(Protocol::HttpJson, Behaviour::Throttle(503, vec!["1".to_owned()])) >= second);
    // The date has no parts of a second, so up to one is missing.
    let now = Instant::now();
    let date = http_date(SystemTime::now() + 4 * second);
    let [_, again] = arrivals_with(Protocol::HttpProtobuf, Behaviour::Throttle(429, vec![date]));
    assert!(again >= now + 3 * second, "{:?}", again - now);
    for code in [Code::ResourceExhausted, Code::Unavailable] {
        let pause = pause_after(Protocol::Grpc, Behaviour::Details(code, retry_info(code, 1, 0)));
        assert!(pause >= second, "{code:?}: {pause:?}");
    }
}

#[test]
fn a_pause_without_end_holds_up_neither_the_flush_nor_the_shutdown() {
    let _turn = turn();
    let hostile = |pauses: &[&str]| Behaviour::Throttle(429, pauses.iter().map(|pause| (*pause).to_owned()).collect());
    let info = |seconds, nanos| {
        Behaviour::Details(Code::ResourceExhausted, retry_info(Code::ResourceExhausted, seconds, nanos))
    };
    for (protocol, answer) in [
        (Protocol::HttpProtobuf, hostile(&["99999999999"])),
        (Protocol::HttpProtobuf, hostile(&["18446744073709551616"])),
        (Protocol::HttpProtobuf, hostile(&["Fri, 31 Dec 9999 23:59:59 GMT"])),
        (Protocol::HttpProtobuf, hostile(&["1", "99999999999"])),
        (Protocol::Grpc, info(i64::MAX, i32::MAX)),
        (Protocol::Grpc, info(315_576_000_000, 0)),
    ] {
        let receiver = script(protocol, [answer.clone()]);
        let stats = at_the_deadline(|| {
            let telemetry = start(quick(otlp(protocol, &receiver)).with_shutdown_timeout(END));
            make(10);
            telemetry.force_flush(LONG).unwrap_or_else(|error| panic!("{answer:?}: {error}"));
            telemetry.shutdown()
        });
        check_sum(&stats, 10);
        assert_eq!((stats.exporters[0].exported, stats.exporters[0].failed), (0, 10), "{answer:?}: {stats:?}");
    }
}

#[test]
fn a_batch_whose_time_for_retries_is_over_is_given_up_and_counted() {
    let _turn = turn();
    for protocol in ALL_PROTOCOLS {
        with_time_enough(|time| {
            let receiver = script(protocol, [overloaded(protocol)]);
            let telemetry = start(quick(otlp(protocol, &receiver)).with_retry(retry(time)));
            make(10);
            until("it is given up", || lost(&telemetry.stats().exporters[0], "given_up") == 10);
            let was_tried_again = receiver.arrivals().len() > 1;
            receiver.answer([Behaviour::Accept]);
            let after = make(5);
            let stats = end(telemetry);
            check_sum(&stats, 15);
            let is_done = was_tried_again && receiver.accepted_ids() == after && stats.exporters[0].exported == 5;
            is_done.then(|| assert_eq!(stats.exporters[0].failed, 10, "{protocol:?}: {stats:?}"))
        });
    }
}

#[test]
fn without_retries_every_batch_is_tried_once() {
    let _turn = turn();
    for protocol in ALL_PROTOCOLS {
        let receiver = script(protocol, [overloaded(protocol)]);
        let telemetry = start(quick(otlp(protocol, &receiver)).with_retry(Retry::never()));
        make(1);
        telemetry.force_flush(LONG).expect("in time");
        let stats = end(telemetry);
        assert_eq!((stats.exporters[0].failed, stats.exporters[0].retries), (1, 0), "{protocol:?}: {stats:?}");
        assert_eq!(receiver.arrivals().len(), 1, "{protocol:?}");
    }
}

#[test]
fn a_status_of_our_own_choice_is_tried_again() {
    let _turn = turn();
    let receiver = script(Protocol::HttpProtobuf, [Behaviour::Fail(500), Behaviour::Fail(500), Behaviour::Accept]);
    let settings = quick(otlp(Protocol::HttpProtobuf, &receiver)).with_retry(retry(LONG).with_status(500));
    let telemetry = start(settings);
    make(10);
    assert_eq!(receiver.wait_for_ids(10, LONG), 10, "{:?}", telemetry.stats());
    check_sum(&end(telemetry), 10);
}

#[test]
fn what_a_shutdown_cannot_deliver_is_counted() {
    let _turn = turn();
    for protocol in ALL_PROTOCOLS {
        for fault in [overloaded(protocol), Behaviour::Hang, Behaviour::Disconnect] {
            let receiver = script(protocol, [fault.clone()]);
            let stats = at_the_deadline(|| {
                let telemetry = start(quick(otlp(protocol, &receiver)).with_shutdown_timeout(END));
                make(200);
                telemetry.shutdown()
            });
            check_sum(&stats, 200);
            let exporter = &stats.exporters[0];
            assert_eq!((exporter.failed, exporter.pending), (200, 0), "{protocol:?}, {fault:?}: {stats:?}");
            assert_eq!(exporter.lost.iter().map(|(_, count)| count).sum::<u64>(), 200, "{stats:?}");
        }
    }
}

#[test]
fn what_waits_in_memory_is_bounded_and_what_is_too_much_is_counted() {
    let _turn = turn();
    for protocol in ALL_PROTOCOLS {
        let mut receiver = script(protocol, [Behaviour::Accept]).counting();
        receiver.stop();
        let settings = quick(otlp(protocol, &receiver)).with_retry(retry(LONG * 9).with_max_pending_bytes(64 << 10));
        let telemetry = start(settings.with_max_queue_size(2048));
        let mut most = 0;
        for _ in 0..200 {
            make(100);
            most = most.max(telemetry.stats().exporters[0].pending);
            // Time for the collector: 2 048 spans wait in its queue at most.
            std::thread::sleep(Duration::from_millis(1));
        }
        // A span takes more than 32 bytes.
        assert!(most > 0 && most < 2048, "{protocol:?}: {most} spans wait");
        let during = telemetry.stats();
        assert!(during.dropped() + during.exporters[0].failed > 10_000, "{protocol:?}: {during:?}");
        receiver.start_again().expect("the port was kept");
        let pending = during.exporters[0].pending as usize;
        assert!(receiver.wait_for_ids(pending, LONG) >= pending, "{protocol:?}: {:?}", telemetry.stats());
        let stats = end(telemetry);
        check_sum(&stats, 20_000);
        assert_eq!(receiver.accepted_ids().len() as u64, stats.exporters[0].exported, "{protocol:?}: {stats:?}");
    }
}

#[test]
fn a_batch_that_alone_is_more_than_may_wait_is_counted() {
    let _turn = turn();
    let receiver = script(Protocol::HttpProtobuf, [Behaviour::Fail(503)]);
    let settings = quick(otlp(Protocol::HttpProtobuf, &receiver)).with_retry(retry(LONG).with_max_pending_bytes(1));
    let stats = at_the_deadline(|| {
        let telemetry = start(settings.clone().with_shutdown_timeout(END));
        make(50);
        telemetry.shutdown()
    });
    check_sum(&stats, 50);
}

#[test]
fn compressed_batches_are_sent_again_unchanged() {
    let _turn = turn();
    for protocol in ALL_PROTOCOLS {
        let receiver = script(protocol, [overloaded(protocol), Behaviour::Reset, Behaviour::Accept]);
        let otlp = otlp(protocol, &receiver).with_timeout(LONG).with_compression(Compression::Gzip);
        let telemetry = start(quick(otlp));
        make(10);
        assert_eq!(receiver.wait_for_ids(10, LONG), 10, "{protocol:?}: {:?}", telemetry.stats());
        check_sum(&end(telemetry), 10);
        let arrivals = receiver.arrivals();
        let accepted = arrivals.iter().filter(|arrival| arrival.accepted).map(|arrival| &arrival.spans);
        let refused = arrivals.iter().filter(|arrival| !arrival.accepted).map(|arrival| &arrival.spans);
        assert!(
            refused.clone().all(|spans| accepted.clone().any(|other| other == spans)),
            "{protocol:?}: {arrivals:?}"
        );
    }
}

/// One of two exporters does this, the other one works.
fn beside(protocol: Protocol, bad: &Receiver) {
    const SPANS: usize = 5000;
    // Fits into what may wait, so that the one that works has room for it however slow the machine is.
    const PART: usize = 500;
    at_the_deadline(|| {
        let good = script(protocol, [Behaviour::Accept]).counting();
        let settings = quick(otlp(protocol, bad)).with_retry(retry(LONG).with_max_pending_bytes(256 << 10));
        let telemetry = start(
            settings
                .with_exporter(otelier::config::Exporter::Otlp(otlp(protocol, &good)))
                .with_max_queue_size(2 * SPANS)
                .with_max_export_batch_size(64)
                .with_shutdown_timeout(END),
        );
        let mut made = std::collections::BTreeSet::new();
        for _ in 0..SPANS / PART {
            made.extend(make(PART));
            assert_eq!(good.wait_for_ids(made.len(), LONG), made.len(), "{:?}", telemetry.stats());
        }
        let stats = telemetry.shutdown()?;
        check_sum(&stats, SPANS);
        assert_eq!((stats.dropped(), stats.exporters.len()), (0, 2), "{stats:?}");
        assert_eq!((stats.exporters[1].exported, stats.exporters[1].failed), (SPANS as u64, 0), "{stats:?}");
        assert_eq!((good.accepted_ids(), good.ids_twice().len()), (made, 0));
        Ok(())
    });
}

#[test]
fn an_exporter_that_hangs_fails_or_is_slow_takes_nothing_from_the_one_beside_it() {
    let _turn = turn();
    for protocol in [Protocol::HttpProtobuf, Protocol::Grpc] {
        let slow = Behaviour::After(Duration::from_millis(500), Box::new(Behaviour::Accept));
        for fault in [Behaviour::Hang, overloaded(protocol), slow, Behaviour::Reset, Behaviour::HangInBody] {
            beside(protocol, &script(protocol, [fault]));
        }
        let mut gone = script(protocol, [Behaviour::Accept]);
        gone.stop();
        beside(protocol, &gone);
    }
}

#[test]
fn a_flush_tries_what_waits_at_once_and_waits_for_no_pause() {
    let _turn = turn();
    for protocol in ALL_PROTOCOLS {
        for failures in [0, 1] {
            let mut receiver = script(protocol, [Behaviour::Accept]);
            receiver.stop();
            let (hour, breaker) = (Duration::from_secs(3600), CircuitBreaker::default().with_failures(failures));
            let settings = quick(otlp(protocol, &receiver))
                .with_retry(Retry::default().with_backoff(hour, hour).with_max_elapsed(hour))
                .with_circuit_breaker(breaker.with_open_for(hour));
            let telemetry = start(settings);
            for round in 1..=5u64 {
                make(20);
                telemetry.force_flush(LONG).expect("nobody waits for an hour");
                let stats = telemetry.stats();
                assert_eq!(stats.exporters[0].pending, round * 20, "{protocol:?}: {stats:?}");
            }
            receiver.start_again().expect("the port was kept");
            // A breaker lets one through to see, and another one before it closes.
            (0..3).for_each(|_| telemetry.force_flush(LONG).expect("in time"));
            let stats = end(telemetry);
            assert_eq!((stats.exporters[0].exported, receiver.accepted_ids().len()), (100, 100), "{stats:?}");
        }
    }
}
