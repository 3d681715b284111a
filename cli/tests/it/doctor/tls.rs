//! Certificates of receivers.

use super::receiver::answer;
use super::{Behaviour, Found};
use crate::folder;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};
use std::convert::Infallible;
use std::fs;
use std::sync::{Arc, mpsc};
use std::thread;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// A receiver of HTTP that accepts everything; its port and its certificate.
fn receiver(year: i32) -> (u16, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "a receiver");
    params.not_after = date_time_ymd(year, 1, 1);
    let certificate = params.self_signed(&key).unwrap();
    let pem = certificate.pem();
    let secret = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], secret)
        .unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let acceptor = TlsAcceptor::from(Arc::new(config));
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let accepted = acceptor.accept(stream);
                // A client that does not trust goes away.
                let service = service_fn(|request| async {
                    let (sender, _) = mpsc::channel();
                    Ok::<_, Infallible>(answer(request, &Behaviour::Accept, false, &sender).await)
                });
                tokio::spawn(async move {
                    if let Ok(stream) = accepted.await {
                        // What clients do to a connection is what is tested.
                        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                    }
                });
            }
        });
    });
    (port, pem)
}

fn found(year: i32, trusted: bool) -> Found {
    let (port, pem) = receiver(year);
    let file = folder(&format!("doctor-tls-{year}-{trusted}")).join("certificate.pem");
    let other = receiver(year).1;
    fs::write(&file, if trusted { pem } else { other }).unwrap();
    let file = file.display().to_string();
    let endpoint = format!("https://localhost:{port}");
    Found::in_json(&["--endpoint", &endpoint, "--timeout", "3s"], &[("OTEL_EXPORTER_OTLP_CERTIFICATE", &file)])
}

#[test]
fn a_certificate_that_is_trusted_is_shown() {
    let found = found(2090, true);
    found.assert("tls", "ok", "CN=a receiver, issued by CN=a receiver, valid until 2090-01-01");
    assert_eq!(found.check("tls")["measured"]["trusted"], true);
    // By the runtime's own TLS, with the same file.
    found.assert("span", "ok", "otlp http/protobuf https://localhost:");
    found.assert("metric", "ok", "accepted");
    assert_eq!(found.code, 0, "{}", found.text);
}

#[test]
fn a_certificate_that_is_not_trusted_is_told_with_the_reason() {
    let found = found(2090, false);
    found.assert("tls", "fail", "not trusted: ");
    assert_ne!(found.code, 0);
}

#[test]
fn a_certificate_that_has_run_out_is_told() {
    let found = found(2020, true);
    found.assert("tls", "fail", "valid until 2020-01-01");
    found.assert("tls", "fail", "not trusted: invalid peer certificate: certificate expired");
}

#[test]
fn a_port_without_tls_is_told() {
    let receiver = super::http(super::Behaviour::Accept);
    let found =
        Found::in_json(&["--endpoint", &format!("https://127.0.0.1:{}", receiver.port), "--timeout", "3s"], &[]);
    assert_ne!(found.code, 0);
    let check = found.check("tls");
    assert_eq!(check["status"], "fail", "{check:#}");
}
