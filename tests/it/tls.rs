//! OTLP over TLS, against real servers.

use crate::support::turn;
use otelier::config::{Compression, Otlp, Protocol, Tls};
use otelier::{ExporterStats, Telemetry, trace_block};
use otelier_tests::{Receiver, Secure};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Somebody who signs certificates.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("it signs").pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// A certificate of this machine and its key, in PEM; valid until this year begins.
    fn signs(&self, until: i32) -> (String, String) {
        let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
        let mut params = CertificateParams::new(names).expect("names");
        params.not_before = rcgen::date_time_ymd(2000, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().expect("a key");
        (params.signed_by(&key, &self.issuer).expect("it signs").pem(), key.serialize_pem())
    }

    fn secures(&self, until: i32, clients: Option<&Self>) -> Secure {
        let (certificate, key) = self.signs(until);
        Secure { certificate, key, clients: clients.map(|authority| authority.pem.clone()) }
    }
}

const VALID: i32 = 2100;
const PROTOCOLS: [Protocol; 3] = [Protocol::HttpProtobuf, Protocol::HttpJson, Protocol::Grpc];

fn receiver(protocol: Protocol, secure: Secure) -> Receiver {
    if protocol == Protocol::Grpc { Receiver::grpcs(secure) } else { Receiver::https(secure) }.expect("it starts")
}

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("otelier-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn with(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("a file");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn settings(protocol: Protocol, endpoint: String, tls: Tls) -> Telemetry {
    let otlp = Otlp::to(endpoint).with_protocol(protocol).with_tls(tls).with_timeout(Duration::from_secs(5));
    Telemetry::default().with_otlp(otlp.with_compression(Compression::Gzip))
}

/// Sends one span.
fn export(protocol: Protocol, receiver: &Receiver, tls: Tls) -> ExporterStats {
    let telemetry = otelier::init(settings(protocol, receiver.endpoint(), tls)).expect("it starts");
    trace_block!(name = "one", {});
    telemetry.shutdown().expect("in time").exporters.remove(0)
}

fn trusting(file: &Path) -> Tls {
    Tls::default().with_ca_file(file)
}

#[test]
fn a_receiver_with_a_certificate_of_the_right_authority_is_trusted() {
    let _turn = turn();
    let (folder, authority) = (Folder::new("right"), Authority::new("right"));
    // Other authorities in the file do no harm.
    let file = folder.with("ca.pem", &format!("{}{}", Authority::new("other").pem, authority.pem));
    for protocol in PROTOCOLS {
        let receiver = receiver(protocol, authority.secures(VALID, None));
        let stats = export(protocol, &receiver, trusting(&file));
        assert_eq!((stats.exported, stats.last_error), (1, None), "{protocol:?}");
        assert_eq!(receiver.spans()[0].name, "one");
        assert!(stats.name.contains("https://127.0.0.1:"), "{}", stats.name);
    }
}

#[test]
fn a_receiver_that_cannot_be_trusted_gets_nothing_and_is_named() {
    let _turn = turn();
    let (folder, authority) = (Folder::new("wrong"), Authority::new("wrong"));
    let right = folder.with("right.pem", &authority.pem);
    let other = folder.with("other.pem", &Authority::new("other").pem);
    for (trusted, until, expected) in [(&other, VALID, "UnknownIssuer"), (&right, 2001, "expired")] {
        for protocol in PROTOCOLS {
            let receiver = receiver(protocol, authority.secures(until, None));
            let stats = export(protocol, &receiver, trusting(trusted));
            let error = stats.last_error.expect("an error");
            assert_eq!((stats.exported, stats.failed, receiver.spans().len()), (0, 1, 0), "{protocol:?}: {error}");
            assert!(error.starts_with("no connection to https://127.0.0.1:"), "{protocol:?}: {error}");
            assert!(error.contains("invalid peer certificate") && error.contains(expected), "{protocol:?}: {error}");
        }
    }
}

#[test]
fn a_receiver_that_asks_for_a_certificate_gets_the_clients() {
    let _turn = turn();
    let (folder, authority) = (Folder::new("mutual"), Authority::new("servers"));
    let clients = Authority::new("clients");
    let ca = folder.with("ca.pem", &authority.pem);
    let (certificate, key) = clients.signs(VALID);
    let (certificate, key) = (folder.with("client.pem", &certificate), folder.with("client.key", &key));
    for protocol in PROTOCOLS {
        let receiver = receiver(protocol, authority.secures(VALID, Some(&clients)));
        let with = trusting(&ca).with_client_certificate(&certificate, &key);
        let stats = export(protocol, &receiver, with);
        assert_eq!((stats.exported, stats.last_error), (1, None), "{protocol:?}");
        let stats = export(protocol, &receiver, trusting(&ca));
        let error = stats.last_error.expect("an error");
        assert_eq!((stats.failed, receiver.spans().len()), (1, 1), "{protocol:?}: {error}");
        // Over either transport it says what is missing, and where it is said.
        assert!(error.contains("CertificateRequired"), "{protocol:?}: {error}");
        assert!(error.contains("`tls.cert_file` (`OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE`)"), "{protocol:?}: {error}");
    }
}

fn refused(tls: Tls, endpoint: &str) -> Vec<String> {
    match otelier::init(settings(Protocol::HttpProtobuf, endpoint.to_owned(), tls)) {
        Err(otelier::Error::Config(error)) => {
            error.problems().iter().map(|problem| problem.sentence().to_owned()).collect()
        }
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[test]
fn files_that_cannot_be_used_are_named_with_what_is_wrong() {
    let (folder, authority) = (Folder::new("files"), Authority::new("files"));
    let ca = folder.with("ca.pem", &authority.pem);
    let (certificate, key) = authority.signs(VALID);
    let (_, other_key) = authority.signs(VALID);
    let (certificate, key) = (folder.with("client.pem", &certificate), folder.with("client.key", &key));
    let other_key = folder.with("other.key", &other_key);
    let text = folder.with("text.pem", "no certificate");
    let broken = folder.with("broken.pem", "-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n");
    let nonsense = folder.with("nonsense.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let missing = folder.0.join("missing.pem");
    let client = |certificate: &Path, key: &Path| trusting(&ca).with_client_certificate(certificate, key);
    let mut without_key = trusting(&ca);
    without_key.cert_file = Some(certificate.clone());
    let mut without_certificate = trusting(&ca);
    without_certificate.key_file = Some(key.clone());
    for (tls, file, expected) in [
        (trusting(&missing), &missing, "`tls.ca_file` (`OTEL_EXPORTER_OTLP_CERTIFICATE`) is `"),
        (trusting(&missing), &missing, "which cannot be read"),
        (trusting(&text), &text, "expected PEM: there is no certificate in it"),
        (trusting(&broken), &broken, "expected PEM"),
        (trusting(&nonsense), &nonsense, "expected certificates"),
        (client(&missing, &key), &missing, "which cannot be read"),
        (client(&key, &key), &key, "there is no certificate in it"),
        (client(&certificate, &certificate), &certificate, "there is no private key in it"),
        (client(&certificate, &other_key), &other_key, "expected the private key of"),
        (without_key, &certificate, "expected its key, too"),
        (without_certificate.clone(), &key, "expected its certificate, too"),
        (without_certificate, &key, "`tls.key_file` (`OTEL_EXPORTER_OTLP_CLIENT_KEY`) is `"),
    ] {
        let problems = refused(tls, "https://127.0.0.1:1");
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains(&*file.to_string_lossy()) && problems[0].contains(expected), "{problems:?}");
    }
    let problems = refused(client(&certificate, &key), "http://127.0.0.1:1");
    assert_eq!(problems.len(), 3, "without TLS none of the files has an effect: {problems:?}");
    let settings = ["CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY"].map(|name| format!("OTEL_EXPORTER_OTLP_{name}"));
    let keys = ["tls.ca_file", "tls.cert_file", "tls.key_file"];
    for ((key, variable), problem) in keys.iter().zip(&settings).zip(&problems) {
        assert!(problem.starts_with(&format!("`{key}` (`{variable}`) is `")), "{problem}");
        assert!(problem.contains("but the OTLP endpoint is `http://127.0.0.1:1/v1/traces`"), "{problem}");
    }
}
