//! Connections that are refused, reset, or slow.

use super::{ALL_PROTOCOLS, LONG, check_sum, end, make, otlp, quick, script, start};
use crate::support::turn;
use otelier_tests::Behaviour;
use std::time::Duration;

#[test]
fn a_receiver_that_went_away_and_came_back_gets_what_follows() {
    let _turn = turn();
    for protocol in ALL_PROTOCOLS {
        let mut receiver = script(protocol, [Behaviour::Accept]);
        let telemetry = start(quick(otlp(protocol, &receiver)));
        let before = make(10);
        telemetry.force_flush(LONG).expect("in time");
        assert_eq!(receiver.accepted_ids(), before);
        receiver.stop();
        make(10);
        telemetry.force_flush(LONG).expect("in time");
        receiver.start_again().expect("the port was kept");
        let after = make(10);
        let stats = end(telemetry);
        check_sum(&stats, 30);
        let accepted = receiver.accepted_ids();
        assert!(accepted.is_superset(&before) && accepted.is_superset(&after), "{protocol:?}: {stats:?}");
        assert_eq!(accepted.len() as u64, stats.exporters[0].exported, "{stats:?}");
    }
}

#[test]
fn an_answer_that_takes_its_time_is_waited_for() {
    let _turn = turn();
    let slow = |pause| Behaviour::Drip(Duration::from_micros(pause), Box::new(Behaviour::Accept));
    for protocol in ALL_PROTOCOLS {
        for behaviour in
            [Behaviour::After(Duration::from_millis(50), Box::new(Behaviour::Accept)), slow(10), slow(1000)]
        {
            let receiver = script(protocol, [behaviour.clone()]);
            let telemetry = start(quick(otlp(protocol, &receiver).with_timeout(LONG)));
            let made = make(10);
            let stats = end(telemetry);
            assert_eq!((stats.exporters[0].exported, stats.exporters[0].failed), (10, 0), "{behaviour:?}: {stats:?}");
            assert_eq!((receiver.accepted_ids(), receiver.ids_twice().len()), (made, 0), "{protocol:?}");
        }
    }
}

#[test]
fn a_connection_that_was_reset_is_made_anew() {
    let _turn = turn();
    for protocol in ALL_PROTOCOLS {
        for reset in [Behaviour::Reset, Behaviour::ResetInAnswer(5)] {
            let receiver = script(protocol, [Behaviour::Accept, reset.clone(), Behaviour::Accept]);
            let telemetry = start(quick(otlp(protocol, &receiver)));
            for _ in 0..3 {
                make(1);
                telemetry.force_flush(LONG).expect("in time");
            }
            let stats = end(telemetry);
            check_sum(&stats, 3);
            assert!(receiver.arrivals().last().is_some_and(|last| last.accepted), "{protocol:?}, {reset:?}: {stats:?}");
            let connections = receiver.connections();
            assert!((2..=4).contains(&connections), "{protocol:?}, {reset:?}: {connections} connections: {stats:?}");
        }
    }
}
