//! Connections with TLS.

use crate::connection::Connection;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use std::fmt;
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;

/// How a receiver proves who it is, and whom it takes; all in PEM.
#[derive(Clone)]
pub struct Secure {
    /// Its certificate.
    pub certificate: String,
    /// The private key of it.
    pub key: String,
    /// Who must have signed the certificates of clients; `None` for clients without.
    pub clients: Option<String>,
}

impl fmt::Debug for Secure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secure")
    }
}

/// A connection, however it is secured.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

#[derive(Clone)]
pub(crate) struct Acceptor(Option<TlsAcceptor>);

impl Acceptor {
    pub(crate) fn new(secure: Option<&Secure>) -> io::Result<Self> {
        Ok(Self(secure.map(|secure| config(secure).map(|config| TlsAcceptor::from(Arc::new(config)))).transpose()?))
    }

    pub(crate) async fn accept(&self, stream: Connection) -> io::Result<Box<dyn Stream>> {
        Ok(match &self.0 {
            None => Box::new(stream),
            Some(acceptor) => Box::new(acceptor.accept(stream).await?),
        })
    }
}

fn config(secure: &Secure) -> io::Result<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let certificates = certificates(&secure.certificate)?;
    let key = PrivateKeyDer::from_pem_slice(secure.key.as_bytes()).map_err(io::Error::other)?;
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().map_err(io::Error::other)?;
    let builder = match &secure.clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = rustls::RootCertStore::empty();
            roots.add_parsable_certificates(self::certificates(authority)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(io::Error::other)?)
        }
    };
    builder.with_single_cert(certificates, key).map_err(io::Error::other)
}

fn certificates(pem: &str) -> io::Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().map_err(io::Error::other)
}
