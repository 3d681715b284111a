//! Circuit breakers and failover: what fails is left alone, and what works gets everything.

use super::{LONG, SHORT, check_sum, end, make, otlp, quick, script, start, until};
use crate::support::turn;
use otelier::Guard;
use otelier::config::{CircuitBreaker, Exporter, Failover, Protocol};
use otelier_tests::{Behaviour, Receiver, SpanId};
use std::collections::BTreeSet;
use std::time::Duration;

const OPEN: Duration = Duration::from_millis(200);
const BOTH: [Protocol; 2] = [Protocol::HttpProtobuf, Protocol::Grpc];

pub(super) fn breaker(failures: u32, successes: u32) -> CircuitBreaker {
    CircuitBreaker::default().with_failures(failures).with_open_for(OPEN).with_successes(successes)
}

#[test]
fn after_its_failures_a_receiver_is_left_alone_but_for_one_attempt_each_time() {
    let _turn = turn();
    for protocol in BOTH {
        let receiver = script(protocol, [Behaviour::Fail(503)]);
        let telemetry = start(quick(otlp(protocol, &receiver)).with_circuit_breaker(breaker(3, 2)));
        let made = make(1);
        // Three attempts; then the breaker is open for so long, twice, and four times as long.
        assert_eq!(receiver.wait_for_arrivals(6, LONG), 6, "{protocol:?}: {:?}", telemetry.stats());
        receiver.answer([Behaviour::Accept]);
        assert_eq!(receiver.wait_for_ids(1, LONG), 1, "{protocol:?}: {:?}", telemetry.stats());
        check_sum(&end(telemetry), 1);
        let arrivals = receiver.arrivals();
        let pauses: Vec<Duration> = arrivals.windows(2).map(|two| two[1].at - two[0].at).collect();
        for (attempt, open) in [(2, OPEN), (3, 2 * OPEN), (4, 4 * OPEN), (5, 8 * OPEN)] {
            assert!(pauses[attempt] >= open, "{protocol:?}: attempt {attempt}: {pauses:?}");
        }
        assert_eq!(arrivals.len(), 7, "{protocol:?}");
        assert_eq!(receiver.accepted_ids(), made);
    }
}

#[test]
fn a_breaker_closes_when_its_batches_have_arrived() {
    let _turn = turn();
    for protocol in BOTH {
        let receiver = script(protocol, [vec![Behaviour::Fail(503); 4], vec![Behaviour::Accept]].concat());
        let telemetry = start(quick(otlp(protocol, &receiver)).with_circuit_breaker(breaker(2, 2)));
        let mut made = make(200);
        assert_eq!(receiver.wait_for_ids(200, LONG), 200, "{protocol:?}: {:?}", telemetry.stats());
        // Closed again: no pause.
        made.extend(make(200));
        assert_eq!(receiver.wait_for_ids(400, LONG), 400, "{protocol:?}: {:?}", telemetry.stats());
        let stats = end(telemetry);
        check_sum(&stats, 400);
        assert_eq!((receiver.accepted_ids(), receiver.ids_twice().len()), (made, 0), "{protocol:?}: {stats:?}");
    }
}

#[test]
fn answers_that_are_final_open_no_breaker() {
    let _turn = turn();
    for protocol in BOTH {
        let refused = Behaviour::Status(tonic::Code::InvalidArgument);
        let receiver = script(protocol, [vec![refused; 8], vec![Behaviour::Accept]].concat());
        let breaker = breaker(2, 1).with_open_for(LONG * 9);
        let telemetry = start(quick(otlp(protocol, &receiver)).with_circuit_breaker(breaker));
        for _ in 0..9 {
            make(1);
            telemetry.force_flush(LONG).expect("in time");
        }
        let stats = end(telemetry);
        check_sum(&stats, 9);
        assert_eq!(receiver.accepted_ids().len(), 1, "a receiver that answers is one that works: {stats:?}");
    }
}

/// Two receivers, the first one preferred.
struct Two {
    primary: Receiver,
    secondary: Receiver,
    telemetry: Guard,
}

impl Two {
    fn start(protocol: Protocol, breaker: CircuitBreaker, first: impl IntoIterator<Item = Behaviour>) -> Self {
        Self::waiting(LONG, protocol, breaker, first)
    }

    /// The same where the first one has so long for an answer.
    fn waiting(
        timeout: Duration,
        protocol: Protocol,
        breaker: CircuitBreaker,
        first: impl IntoIterator<Item = Behaviour>,
    ) -> Self {
        let (primary, secondary) = (script(protocol, first), script(protocol, [Behaviour::Accept]));
        let failover = Failover::between([otlp(protocol, &primary).with_timeout(timeout), otlp(protocol, &secondary)]);
        let mut settings = quick(otlp(protocol, &primary)).with_circuit_breaker(breaker);
        settings.exporters = vec![Exporter::Failover(failover)];
        Self { telemetry: start(settings), primary, secondary }
    }

    /// Sends so many spans and waits until they are anywhere.
    fn deliver(&self, count: usize) -> BTreeSet<SpanId> {
        let made = make(count);
        until("they are delivered", || self.delivered().is_superset(&made));
        made
    }

    fn delivered(&self) -> BTreeSet<SpanId> {
        &self.primary.accepted_ids() | &self.secondary.accepted_ids()
    }

    /// Ends it; everything was delivered, and nothing twice.
    fn end(self, made: usize) {
        let delivered = self.delivered();
        let both: Vec<SpanId> =
            self.primary.accepted_ids().intersection(&self.secondary.accepted_ids()).copied().collect();
        let stats = end(self.telemetry);
        check_sum(&stats, made);
        assert_eq!((delivered.len(), both.len()), (made, 0), "{stats:?}");
        assert_eq!((stats.exporters.len(), stats.exporters[0].exported), (1, made as u64), "{stats:?}");
    }
}

#[test]
fn the_preferred_receiver_gets_everything_while_it_works() {
    let _turn = turn();
    for protocol in BOTH {
        let two = Two::start(protocol, breaker(2, 1), [Behaviour::Accept]);
        assert_eq!(two.deliver(100), two.primary.accepted_ids());
        assert_eq!(two.secondary.connections(), 0, "{protocol:?}");
        two.end(100);
    }
}

#[test]
fn what_the_preferred_receiver_cannot_take_goes_to_the_other_until_it_is_back() {
    let _turn = turn();
    for protocol in BOTH {
        let mut two = Two::start(protocol, breaker(2, 1), [Behaviour::Accept]);
        let before = two.deliver(50);
        assert_eq!(two.primary.accepted_ids(), before);
        two.primary.stop();
        let during = two.deliver(50);
        assert_eq!(two.secondary.accepted_ids(), during, "{protocol:?}");
        two.primary.start_again().expect("the port was kept");
        let mut made = 100;
        until("the preferred one is back", || {
            made += 1;
            let last = two.deliver(1);
            std::thread::sleep(Duration::from_millis(5));
            two.primary.accepted_ids().is_superset(&last)
        });
        // Now it gets all again.
        let after = two.deliver(50);
        assert!(two.primary.accepted_ids().is_superset(&after), "{protocol:?}");
        two.end(made + 50);
    }
}

#[test]
fn a_preferred_receiver_that_hangs_holds_up_one_timeout_and_no_more() {
    let _turn = turn();
    for protocol in BOTH {
        let two = Two::waiting(SHORT, protocol, breaker(1, 1).with_open_for(LONG * 9), [Behaviour::Hang]);
        let made = two.deliver(200);
        assert_eq!(two.secondary.accepted_ids(), made, "{protocol:?}");
        // Those that were on their way when the first one failed.
        assert!(two.primary.arrivals().len() <= 4, "{protocol:?}: {}", two.primary.arrivals().len());
        two.end(200);
    }
}

#[test]
fn a_receiver_that_works_only_now_and_then_gets_single_batches() {
    let _turn = turn();
    for protocol in BOTH {
        // Never two in a row.
        let flapping = std::iter::repeat_n([Behaviour::Fail(503), Behaviour::Accept], 500).flatten();
        let mut script = vec![Behaviour::Fail(503); 2];
        script.extend(flapping);
        let open = Duration::from_millis(20);
        let two = Two::start(protocol, breaker(2, 2).with_open_for(open), script);
        let mut made = 0;
        for _ in 0..200 {
            made += two.deliver(5).len();
        }
        let (probes, others) = (two.primary.arrivals(), two.secondary.arrivals().len());
        println!("{protocol:?}: {} requests to the preferred one, {others} to the other", probes.len());
        assert!(probes.len() > 4 && others > 0, "{protocol:?}: {} and {others}", probes.len());
        // While the breaker was closed, several were on their way at once.
        for two in probes[4..].windows(2).filter(|two| !two[0].accepted) {
            assert!(two[1].at - two[0].at >= open, "{protocol:?}: {:?} after a failure", two[1].at - two[0].at);
        }
        two.end(made);
    }
}

#[test]
fn if_no_receiver_works_batches_wait_for_the_first_that_does() {
    let _turn = turn();
    for protocol in BOTH {
        let mut two = Two::start(protocol, breaker(2, 1), [Behaviour::Accept]);
        two.primary.stop();
        two.secondary.stop();
        let made = make(100);
        two.telemetry.force_flush(LONG).expect("in time");
        assert_eq!(two.telemetry.stats().exporters[0].pending, 100, "{protocol:?}");
        two.secondary.start_again().expect("the port was kept");
        until("they are delivered", || two.secondary.accepted_ids() == made);
        two.end(100);
    }
}

#[test]
fn what_one_receiver_refuses_for_good_is_delivered_by_the_other_or_counted() {
    let _turn = turn();
    let refused = Behaviour::Status(tonic::Code::InvalidArgument);
    for protocol in BOTH {
        let two = Two::start(protocol, breaker(2, 1), [refused.clone()]);
        make(5);
        two.telemetry.force_flush(LONG).expect("in time");
        let stats = two.telemetry.stats();
        let exporter = &stats.exporters[0];
        assert_eq!(exporter.exported + exporter.failed, 5, "{protocol:?}: {stats:?}");
        assert_eq!(two.secondary.accepted_ids().len() as u64, exporter.exported, "{protocol:?}: {stats:?}");
        check_sum(&end(two.telemetry), 5);
    }
}
