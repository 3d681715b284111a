//! Whatever a receiver answers: spans made = delivered + counted.

use super::{
    ALL_PROTOCOLS, END, LONG, SHORT, at_the_deadline, check_sum, check_usable, end, make, otlp, quick, script, start,
};
use crate::support::turn;
use otelier::config::Protocol;
use otelier_tests::{Behaviour, Receiver, http_date, retry_info};
use std::time::{Duration, SystemTime};
use tonic::Code;

/// Three batches.
const SPANS: usize = 40;

fn throttle(status: u16, pause: &str) -> Behaviour {
    Behaviour::Throttle(status, vec![pause.to_owned()])
}

fn late(pause: Duration) -> Behaviour {
    Behaviour::After(pause, Box::new(Behaviour::Accept))
}

fn drip(pause: Duration) -> Behaviour {
    Behaviour::Drip(pause, Box::new(Behaviour::Accept))
}

fn randomly(fail: Behaviour) -> Behaviour {
    Behaviour::Randomly { fail: Box::new(fail), per_mille: 500, seed: 7 }
}

/// Every receiver that misbehaves in one way all the time.
fn behaviours(protocol: Protocol) -> Vec<Behaviour> {
    let ms = Duration::from_millis;
    let mut behaviours = vec![
        Behaviour::Accept,
        Behaviour::Disconnect,
        Behaviour::Reset,
        Behaviour::ResetUnread,
        Behaviour::ResetInAnswer(0),
        Behaviour::ResetInAnswer(9),
        Behaviour::Hang,
        Behaviour::Reject(3, "three are too old".to_owned()),
        Behaviour::NoCompression,
        late(ms(5)),
        late(ms(5000)),
        drip(ms(1)),
        drip(ms(200)),
        randomly(Behaviour::Fail(503)),
        randomly(Behaviour::Reset),
        randomly(Behaviour::Status(Code::InvalidArgument)),
    ];
    if protocol == Protocol::Grpc {
        let codes = [Code::Unavailable, Code::ResourceExhausted, Code::InvalidArgument, Code::Unimplemented];
        behaviours.extend(codes.map(Behaviour::Status));
        let pauses = [(0, 1_000_000), (-1, 0), (i64::MAX, i32::MAX), (i64::MIN, i32::MIN)];
        let info = |(seconds, nanos)| retry_info(Code::ResourceExhausted, seconds, nanos);
        behaviours.extend(pauses.map(|pause| Behaviour::Details(Code::ResourceExhausted, info(pause))));
        behaviours.push(Behaviour::Details(Code::ResourceExhausted, b"no protobuf at all".to_vec()));
    } else {
        behaviours.extend([400, 401, 404, 413, 429, 500, 502, 503, 504].map(Behaviour::Fail));
        behaviours.extend(["1", "0", "-1", "99999999999", "soon", ""].map(|pause| throttle(429, pause)));
        behaviours.push(throttle(503, &http_date(SystemTime::now() + Duration::from_secs(1))));
        behaviours.push(throttle(503, &http_date(SystemTime::UNIX_EPOCH)));
        behaviours.push(Behaviour::Throttle(503, vec!["1".to_owned(), "2".to_owned()]));
        behaviours.extend([Behaviour::Truncate, Behaviour::HangInBody, Behaviour::NoJson(415), Behaviour::NoJson(400)]);
        behaviours.extend([
            Behaviour::Raw(200, Some("application/json"), br#"{"partialSuccess":null}"#.to_vec()),
            Behaviour::Raw(200, Some("application/x-protobuf"), b"{}".to_vec()),
            Behaviour::Raw(201, None, Vec::new()),
            Behaviour::Raw(302, None, Vec::new()),
            Behaviour::Raw(200, Some("text/html"), b"<html>".to_vec()),
        ]);
    }
    behaviours
}

/// Whether a client may not know that the receiver took a request: its answer was lost, or came too late.
fn is_ambiguous(behaviour: &Behaviour) -> bool {
    use Behaviour::{After, Drip, HangInBody, Randomly, Reset, ResetInAnswer};
    match behaviour {
        Drip(..) | After(..) | ResetInAnswer(_) | HangInBody => true,
        // Over gRPC other requests are on the connection that is reset.
        Randomly { fail, .. } => **fail == Reset,
        _ => false,
    }
}

/// Whether a receiver takes every batch in the end, so that no shutdown comes to its deadline.
fn gets_everything(behaviour: &Behaviour) -> bool {
    use Behaviour::{Accept, After, Drip, HangInBody, NoCompression, NoJson, Randomly, Raw, Reject, Truncate};
    match behaviour {
        After(pause, _) | Drip(pause, _) => *pause < Duration::from_millis(10),
        Accept | HangInBody | NoCompression | NoJson(_) | Randomly { .. } | Raw(..) | Reject(..) | Truncate => true,
        _ => false,
    }
}

#[test]
fn every_span_is_delivered_or_counted_whatever_the_receiver_answers() {
    let _turn = turn();
    for protocol in ALL_PROTOCOLS {
        for behaviour in behaviours(protocol) {
            let said = format!("{protocol:?}, {behaviour:?}");
            let (receiver, made, stats) = at_the_deadline(|| {
                let receiver = script(protocol, [behaviour.clone()]);
                let answers = !is_ambiguous(&behaviour) && behaviour != Behaviour::Hang;
                let otlp = otlp(protocol, &receiver).with_timeout(if answers { LONG } else { SHORT });
                let end = if gets_everything(&behaviour) { LONG } else { END };
                let telemetry = start(quick(otlp).with_shutdown_timeout(end));
                let made = make(SPANS);
                Ok((receiver, made, telemetry.shutdown()?))
            });
            check_sum(&stats, SPANS);
            let (exporter, accepted) = (&stats.exporters[0], receiver.accepted_ids());
            assert!(accepted.is_subset(&made), "{said}: spans of somebody else");
            assert!(receiver.seen_ids().is_subset(&made), "{said}: spans of somebody else");
            let (delivered, arrived) = (exporter.exported + exporter.rejected, accepted.len() as u64);
            assert!(delivered <= arrived, "{said}: {arrived} arrived: {stats:?}");
            assert!(delivered == arrived || is_ambiguous(&behaviour), "{said}: {arrived} arrived: {stats:?}");
            assert!(exporter.failed == 0 || exporter.last_error.is_some(), "{said}: {stats:?}");
            println!("{said}: {arrived} arrived, {exporter:?}");
        }
        check_usable(protocol);
    }
}

#[test]
fn every_span_is_delivered_or_counted_if_nobody_listens() {
    let _turn = turn();
    for protocol in ALL_PROTOCOLS {
        let mut receiver = script(protocol, [Behaviour::Accept]);
        receiver.stop();
        let stats = at_the_deadline(|| {
            let telemetry = start(quick(otlp(protocol, &receiver)).with_shutdown_timeout(END));
            make(SPANS);
            telemetry.shutdown()
        });
        check_sum(&stats, SPANS);
        assert_eq!((stats.exporters[0].exported, stats.exporters[0].failed), (0, SPANS as u64), "{stats:?}");
        assert_eq!(receiver.connections(), 0);
        check_usable(protocol);
    }
}

/// How often one span arrives whose batch is answered like this.
fn attempts(receiver: &Receiver, protocol: Protocol) -> usize {
    let telemetry = start(quick(otlp(protocol, receiver)));
    make(1);
    telemetry.force_flush(LONG).expect("in time");
    let stats = end(telemetry);
    assert_eq!((stats.exporters[0].exported, stats.exporters[0].failed), (0, 1), "{stats:?}");
    receiver.arrivals().len()
}

#[test]
fn what_another_attempt_cannot_help_is_tried_once() {
    let _turn = turn();
    for protocol in [Protocol::HttpProtobuf, Protocol::HttpJson] {
        for status in [400, 401, 403, 404, 405, 413, 415, 422, 500, 501, 505] {
            let receiver = script(protocol, [Behaviour::Fail(status)]);
            assert_eq!(attempts(&receiver, protocol), 1, "{protocol:?}: {status}");
        }
    }
    for code in [
        Code::Unknown,
        Code::InvalidArgument,
        Code::NotFound,
        Code::AlreadyExists,
        Code::PermissionDenied,
        // Without a `RetryInfo`.
        Code::ResourceExhausted,
        Code::FailedPrecondition,
        Code::Unimplemented,
        Code::Internal,
        Code::Unauthenticated,
    ] {
        let receiver = script(Protocol::Grpc, [Behaviour::Status(code)]);
        assert_eq!(attempts(&receiver, Protocol::Grpc), 1, "{code:?}");
    }
}
