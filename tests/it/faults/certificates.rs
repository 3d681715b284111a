//! A receiver whose certificate has expired, and one that got a new one.

use super::{ALL_PROTOCOLS, LONG, check_sum, end, make, otlp, quick, start};
use crate::support::turn;
use otelier::config::{Protocol, Tls};
use otelier_tests::{Receiver, Secure};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

/// The authority's certificate, and two of this machine: one that ran out long ago, and one that has not.
fn certificates() -> (String, Secure, Secure) {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let pem = params.self_signed(&key).expect("it signs").pem();
    let authority = Issuer::new(params, key);
    let secure = |until| {
        let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).expect("a name");
        params.not_before = rcgen::date_time_ymd(2000, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &authority).expect("it signs").pem();
        Secure { certificate, key: key.serialize_pem(), clients: None }
    };
    (pem, secure(2001), secure(2100))
}

#[test]
fn an_expired_certificate_gets_nothing_until_it_is_renewed() {
    let _turn = turn();
    let (authority, expired, valid) = certificates();
    let file = std::env::temp_dir().join(format!("otelier-expired-{}.pem", std::process::id()));
    std::fs::write(&file, authority).expect("a file");
    for protocol in ALL_PROTOCOLS {
        let receiver = match protocol {
            Protocol::Grpc => Receiver::grpcs(expired.clone()),
            _ => Receiver::https(expired.clone()),
        };
        let mut receiver = receiver.expect("it starts");
        let otlp = otlp(protocol, &receiver).with_timeout(LONG).with_tls(Tls::default().with_ca_file(&file));
        let telemetry = start(quick(otlp));
        make(5);
        telemetry.force_flush(LONG).expect("in time");
        let error = telemetry.stats().exporters.remove(0).last_error.expect("a reason");
        assert!(error.contains("expired"), "{protocol:?}: {error}");
        assert_eq!(receiver.seen_ids().len(), 0, "{protocol:?}");
        receiver.renew(valid.clone()).expect("the port was kept");
        let after = make(5);
        let stats = end(telemetry);
        check_sum(&stats, 10);
        let accepted = receiver.accepted_ids();
        assert!(accepted.is_superset(&after), "{protocol:?}: {stats:?}");
        assert_eq!(accepted.len() as u64, stats.exporters[0].exported, "{protocol:?}: {stats:?}");
    }
    std::fs::remove_file(&file).expect("it is still there");
}
