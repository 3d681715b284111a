//! The handshake with `https` endpoints, and their certificates.

use super::certificate::{Certificate, date};
use super::network::{milliseconds, shown};
use super::report::Check;
use super::target::Target;
use otelier::config::{Protocol, Tls};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// A certificate that ends in less is to be renewed.
const SOON: Duration = Duration::from_secs(14 * 24 * 3600);

/// Decides as rustls does, and keeps the decision.
#[derive(Debug)]
struct Verifier {
    inner: Arc<WebPkiServerVerifier>,
    /// Whether a handshake ends when it does not trust.
    strict: bool,
    seen: Mutex<Option<Seen>>,
}

/// What the receiver showed, and what rustls says of it.
#[derive(Clone, Debug)]
struct Seen {
    certificate: Vec<u8>,
    trust: Result<(), Error>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let trust = verified.as_ref().map(drop).map_err(Clone::clone);
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Seen { certificate: end_entity.to_vec(), trust });
        // A handshake that goes on shows the rest; nothing is sent on a connection that is not strict.
        if self.strict { verified } else { Ok(ServerCertVerified::assertion()) }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

fn roots(files: &Tls) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    match &files.ca_file {
        // As exporters have it: certificates that are named take the place of the system's.
        Some(path) => {
            let certificates =
                CertificateDer::pem_file_iter(path).map_err(|error| format!("`{}`: {error}", path.display()))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| format!("`{}`: {error}", path.display()))?;
                roots.add(certificate).map_err(|error| format!("`{}`: {error}", path.display()))?;
            }
            if roots.is_empty() {
                return Err(format!("`{}` holds no certificate", path.display()));
            }
        }
        None => {
            let system = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(system.certs);
            if roots.is_empty() {
                return Err("this machine has no certificates that are trusted".to_owned());
            }
        }
    }
    Ok(roots)
}

fn connector(target: &Target, strict: bool) -> Result<(TlsConnector, Arc<Verifier>), String> {
    let files = &target.tls;
    let provider = Arc::new(ring::default_provider());
    let roots = Arc::new(roots(files)?);
    let inner = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build();
    let inner = inner.map_err(|error| error.to_string())?;
    let verifier = Arc::new(Verifier { inner, strict, seen: Mutex::default() });
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| error.to_string())?;
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::<Verifier>::clone(&verifier));
    let mut config = match (&files.cert_file, &files.key_file) {
        (Some(certificate), Some(key)) => {
            let wrong = |path: &Path, error: &dyn std::fmt::Display| format!("`{}`: {error}", path.display());
            let chain: Result<Vec<_>, _> =
                CertificateDer::pem_file_iter(certificate).map_err(|error| wrong(certificate, &error))?.collect();
            let chain = chain.map_err(|error| wrong(certificate, &error))?;
            let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, &error))?;
            builder.with_client_auth_cert(chain, secret).map_err(|error| wrong(certificate, &error))?
        }
        (None, None) => builder.with_no_client_auth(),
        _ => return Err("a client certificate and its key are only useful together; one of them is set".to_owned()),
    };
    let protocol: &[u8] = if target.protocol == Protocol::Grpc { b"h2" } else { b"http/1.1" };
    config.alpn_protocols = vec![protocol.to_vec()];
    Ok((TlsConnector::from(Arc::new(config)), verifier))
}

async fn handshake(
    target: &Target,
    stream: TcpStream,
    connector: TlsConnector,
) -> Result<TlsStream<TcpStream>, String> {
    let name = ServerName::try_from(target.host().to_owned());
    let name = name.map_err(|_| format!("`{}` is not a name that a certificate can have", target.host()))?;
    connector.connect(name, stream).await.map_err(|error| error.to_string())
}

/// A connection over which something may be sent.
pub(super) async fn connect(target: &Target, stream: TcpStream) -> Result<TlsStream<TcpStream>, String> {
    handshake(target, stream, connector(target, true)?.0).await
}

/// Shakes hands, and looks at the certificate.
pub(super) async fn check(target: &Target, address: SocketAddr, limit: Duration) -> Check {
    const NAME: &str = "tls";
    const WHY: &str = "Exporters send nothing over a connection that is not secure; every batch fails.";
    let (connector, verifier) = match connector(target, false) {
        Ok(made) => made,
        Err(error) => {
            return Check::fail(NAME, error, WHY)
                .help("Correct the files that `OTEL_EXPORTER_OTLP_CERTIFICATE`, `…_CLIENT_CERTIFICATE` and `…_CLIENT_KEY` name.");
        }
    };
    let begun = Instant::now();
    let shaken = timeout(limit, async {
        let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
        handshake(target, stream, connector).await
    });
    let shaken = shaken.await.unwrap_or_else(|_| Err(format!("no handshake within {limit:?}")));
    let took = begun.elapsed();
    let stream = match shaken {
        Ok(stream) => stream,
        Err(error) => {
            let help = "Use `http://` if the receiver speaks without TLS, or look at its own log for the reason.";
            let check = Check::fail(NAME, format!("{}: {error}", target.address()), WHY).help(help);
            return check.with("endpoint", target.address());
        }
    };
    let (_, connection) = stream.get_ref();
    let version = connection.protocol_version().map(|version| format!("{version:?}").replace('_', "."));
    let version = version.unwrap_or_else(|| "TLS".to_owned());
    let seen = verifier.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let Some(seen) = seen else { return Check::fail(NAME, "the receiver showed no certificate", WHY) };
    verdict(target, &seen, &format!("{}: {version} in {}", target.address(), shown(took)), took)
}

fn verdict(target: &Target, seen: &Seen, begin: &str, took: Duration) -> Check {
    const NAME: &str = "tls";
    const WHY: &str = "Exporters send nothing to a receiver that they do not trust; every batch fails.";
    let certificate = Certificate::read(&seen.certificate);
    let described = certificate.as_ref().map_or_else(
        || "its certificate cannot be read".to_owned(),
        |read| format!("{}, issued by {}, valid until {}", read.subject, read.issuer, date(read.not_after)),
    );
    let left = certificate.as_ref().and_then(|read| read.not_after.duration_since(SystemTime::now()).ok());
    let check = match (&seen.trust, left) {
        (Err(error), _) => Check::fail(NAME, begin, WHY)
            .line(described)
            .line(format!("not trusted: {error}"))
            .help("Name the certificate of its issuer in `OTEL_EXPORTER_OTLP_CERTIFICATE`, or give the receiver one that is valid for this host."),
        (Ok(()), Some(left)) if left < SOON => {
            let days = left.as_secs() / 86_400;
            Check::warn(NAME, begin, "When it has run out, every batch fails.")
                .line(described)
                .line(format!("trusted, but only for {days} more days"))
                .help("Renew the receiver's certificate.")
        }
        (Ok(()), _) => Check::ok(NAME, begin).line(described).line("trusted"),
    };
    let check = check.with("endpoint", target.address()).with("ms", milliseconds(took));
    let check = check.with("trusted", seen.trust.is_ok());
    match certificate {
        None => check,
        Some(read) => check
            .with("subject", read.subject)
            .with("issuer", read.issuer)
            .with("valid_from", date(read.not_before))
            .with("valid_until", date(read.not_after)),
    }
}
