//! What receivers in use do beside the specification, which an exporter must survive.

use super::{LONG, check_sum, end, make, otlp, quick, script, start};
use crate::support::turn;
use otelier::ExporterStats;
use otelier::config::{Compression, Protocol};
use otelier_tests::Behaviour;

const PROTOBUF: Option<&str> = Some("application/x-protobuf");
const JSON: Option<&str> = Some("application/json");

/// Sends two spans to a receiver that answers like this.
fn sent(protocol: Protocol, behaviour: Behaviour, compression: Compression) -> (ExporterStats, usize) {
    let receiver = script(protocol, [behaviour]);
    let telemetry = start(quick(otlp(protocol, &receiver).with_timeout(LONG).with_compression(compression)));
    let made = make(2);
    let mut stats = end(telemetry);
    check_sum(&stats, 2);
    assert_eq!(receiver.seen_ids(), made);
    (stats.exporters.remove(0), receiver.arrivals().len())
}

#[test]
fn a_success_in_the_wrong_encoding_without_a_body_or_with_a_null_is_a_success() {
    let _turn = turn();
    for (protocol, answer) in [
        // A JSON body answers protobuf.
        (Protocol::HttpProtobuf, Behaviour::Raw(200, JSON, b"{}".to_vec())),
        (Protocol::HttpProtobuf, Behaviour::Raw(200, JSON, br#"{"partialSuccess":{}}"#.to_vec())),
        (Protocol::HttpProtobuf, Behaviour::Raw(200, JSON, br#"{"partialSuccess":null}"#.to_vec())),
        // A content type of protobuf answers JSON, with an empty message and with JSON after all.
        (Protocol::HttpJson, Behaviour::Raw(200, PROTOBUF, Vec::new())),
        (Protocol::HttpJson, Behaviour::Raw(200, PROTOBUF, b"{}".to_vec())),
        (Protocol::HttpJson, Behaviour::Raw(200, JSON, br#"{"partialSuccess":null}"#.to_vec())),
        (Protocol::HttpJson, Behaviour::Raw(200, JSON, Vec::new())),
        // 201 and 202 with nothing.
        (Protocol::HttpProtobuf, Behaviour::Raw(201, None, Vec::new())),
        (Protocol::HttpJson, Behaviour::Raw(201, None, Vec::new())),
        (Protocol::HttpProtobuf, Behaviour::Raw(202, Some("text/plain"), b"thanks".to_vec())),
        // What says 200 and breaks off.
        (Protocol::HttpProtobuf, Behaviour::Truncate),
        (Protocol::HttpJson, Behaviour::Truncate),
    ] {
        let (stats, requests) = sent(protocol, answer.clone(), Compression::None);
        assert_eq!((stats.exported, stats.failed, stats.rejected), (2, 0, 0), "{protocol:?}, {answer:?}: {stats:?}");
        assert_eq!(requests, 1, "{protocol:?}, {answer:?}: a success is sent again");
    }
}

#[test]
fn a_receiver_that_takes_no_json_is_named_and_asked_once() {
    let _turn = turn();
    for status in [400, 415] {
        let (stats, requests) = sent(Protocol::HttpJson, Behaviour::NoJson(status), Compression::None);
        assert_eq!((stats.exported, stats.failed, requests), (0, 2, 1), "{stats:?}");
        assert!(stats.last_error.is_some_and(|error| error.contains(&format!("answered {status}"))));
        let (stats, _) = sent(Protocol::HttpProtobuf, Behaviour::NoJson(status), Compression::None);
        assert_eq!((stats.exported, stats.failed), (2, 0), "{stats:?}");
    }
}

#[test]
fn a_receiver_that_takes_no_compression_says_so_and_gets_what_is_not_compressed() {
    let _turn = turn();
    for protocol in super::ALL_PROTOCOLS {
        let (stats, _) = sent(protocol, Behaviour::NoCompression, Compression::Gzip);
        assert_eq!(stats.exported + stats.failed, 2, "{stats:?}");
        // An exporter may leave the compression out and send again; if it does not, it says why.
        let error = stats.last_error.unwrap_or_default();
        assert!(stats.exported == 2 || error.contains("compress"), "{protocol:?}: {error}");
        let (stats, requests) = sent(protocol, Behaviour::NoCompression, Compression::None);
        assert_eq!((stats.exported, stats.failed, requests), (2, 0, 1), "{protocol:?}: {stats:?}");
    }
}

#[test]
fn a_part_that_is_refused_is_counted_and_not_sent_again() {
    let _turn = turn();
    for protocol in super::ALL_PROTOCOLS {
        let (stats, requests) = sent(protocol, Behaviour::Reject(1, "too old".to_owned()), Compression::None);
        assert_eq!((stats.exported, stats.failed, stats.rejected, requests), (1, 0, 1, 1), "{protocol:?}: {stats:?}");
        assert!(stats.last_error.is_some_and(|error| error.contains("too old")));
        // More than were sent, and fewer than none.
        for (count, rejected) in [(7, 2), (-1, 0)] {
            let (stats, requests) = sent(protocol, Behaviour::Reject(count, "odd".to_owned()), Compression::None);
            assert_eq!((stats.exported, stats.rejected, requests), (2 - rejected, rejected, 1), "{count}: {stats:?}");
        }
    }
}
