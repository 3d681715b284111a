//! How connections are made: plain, or with TLS by rustls.
//!
//! The system's certificates are trusted unless a file names others, because a collector's certificate is often signed by a
//! company's own authority, which a list that is compiled in does not know.

use super::endpoint::Place;
use crate::ConfigError;
use crate::config::Tls;
#[cfg(any(feature = "otlp-http", feature = "tls"))]
use hyper_util::client::legacy::connect::HttpConnector;

#[cfg(feature = "tls")]
pub(super) use with_tls::*;
#[cfg(not(feature = "tls"))]
pub(super) use without_tls::*;

/// How messages speak of the settings: by the key in a file, and the variable.
const CA: &str = "`tls.ca_file` (`OTEL_EXPORTER_OTLP_CERTIFICATE`)";
const CERTIFICATE: &str = "`tls.cert_file` (`OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE`)";
const KEY: &str = "`tls.key_file` (`OTEL_EXPORTER_OTLP_CLIENT_KEY`)";

/// Makes TCP connections, which TLS may use.
#[cfg(any(feature = "otlp-http", feature = "tls"))]
fn plain() -> HttpConnector {
    let mut connector = HttpConnector::new();
    // The connector on top of it says which schemes it takes.
    connector.enforce_http(false);
    // The end of a request must not wait for the answer to its beginning.
    connector.set_nodelay(true);
    connector
}

/// The settings for TLS must have an effect.
fn check_scheme(endpoint: &Place, tls: &Tls, problems: &mut ConfigError) {
    let files = [(CA, &tls.ca_file), (CERTIFICATE, &tls.cert_file), (KEY, &tls.key_file)];
    if endpoint.is_https() {
        return;
    }
    for (setting, file) in files {
        if let Some(file) = file {
            problems.push(format_args!(
                "{setting} is `{}`, but the OTLP endpoint is `{}`; expected a URL with `https`, where it has an effect",
                file.display(),
                endpoint.shown()
            ));
        }
    }
}

#[cfg(not(feature = "tls"))]
mod without_tls {
    use super::*;

    #[cfg(feature = "otlp-http")]
    pub(in super::super) type Connector = HttpConnector;

    /// Connections are plain.
    #[derive(Clone, Debug)]
    pub(in super::super) struct Trust;

    /// Whom to trust, which is nobody: `https` is refused.
    pub(in super::super) fn trust(endpoint: &Place, tls: &Tls, problems: &mut ConfigError) -> Option<Trust> {
        if endpoint.is_https() {
            problems.push(format_args!(
                "`endpoint` (`OTEL_EXPORTER_OTLP_ENDPOINT`) is `{}`, but `otelier` was built without the feature \
                 `tls`; turn it on, or send with `http` to a collector on this machine",
                endpoint.shown()
            ));
            return None;
        }
        check_scheme(endpoint, tls, problems);
        Some(Trust)
    }

    #[cfg(feature = "otlp-http")]
    pub(in super::super) fn http(Trust: Trust) -> Connector {
        plain()
    }
}

#[cfg(feature = "tls")]
mod with_tls {
    use super::*;
    use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
    use rustls::crypto::CryptoProvider;
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
    use std::path::Path;
    use std::sync::Arc;

    pub(in super::super) type Connector = HttpsConnector<HttpConnector>;

    /// Whom to trust, and how to introduce ourselves; for plain connections nobody.
    #[derive(Clone, Debug)]
    pub(in super::super) struct Trust(ClientConfig);

    /// Reads what there is to trust. Every file that cannot be used goes to `problems`.
    pub(in super::super) fn trust(endpoint: &Place, tls: &Tls, problems: &mut ConfigError) -> Option<Trust> {
        check_scheme(endpoint, tls, problems);
        let mut found = ConfigError::default();
        // Not the process's default, which may be missing or be set by somebody else later.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let is_https = endpoint.is_https();
        let roots = if is_https { roots(tls, &mut found) } else { Some(RootCertStore::empty()) };
        let client = if is_https { client(tls, &provider, &mut found) } else { Some(None) };
        problems.absorb(found);
        let versions: Result<ConfigBuilder<ClientConfig, WantsVerifier>, _> =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = versions.map_err(|error| problems.push(format_args!("TLS cannot be used: {error}"))).ok()?;
        let builder = builder.with_root_certificates(roots?);
        let Some((certificates, key)) = client? else { return Some(Trust(builder.with_no_client_auth())) };
        match builder.with_client_auth_cert(certificates, key) {
            Ok(config) => Some(Trust(config)),
            Err(error) => {
                let named = |file: &Option<std::path::PathBuf>| file.clone().unwrap_or_default().display().to_string();
                let mut found = ConfigError::default();
                let (certificate, key) = (named(&tls.cert_file), named(&tls.key_file));
                found.push(format_args!("{KEY} is `{key}`; expected the private key of `{certificate}`: {error}"));
                problems.absorb(found);
                None
            }
        }
    }

    fn roots(tls: &Tls, problems: &mut ConfigError) -> Option<RootCertStore> {
        let mut roots = RootCertStore::empty();
        if let Some(file) = &tls.ca_file {
            for certificate in certificates(CA, file, problems)? {
                if let Err(error) = roots.add(certificate) {
                    problems.push(format_args!("{CA} is `{}`; expected certificates: {error}", file.display()));
                    return None;
                }
            }
            return Some(roots);
        }
        // Single certificates that cannot be read or used are of no matter while there are others.
        let system = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(system.certs);
        if roots.is_empty() {
            let why = system.errors.first().map(|error| format!(" ({error})")).unwrap_or_default();
            problems.push(format_args!(
                "the system has no certificates to trust{why}, so `https` needs some: name a file in {CA}"
            ));
            return None;
        }
        Some(roots)
    }

    type Client = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

    /// The outer `None`: there is one that cannot be used.
    fn client(tls: &Tls, provider: &CryptoProvider, problems: &mut ConfigError) -> Option<Option<Client>> {
        let (certificate, key) = match (&tls.cert_file, &tls.key_file) {
            (None, None) => return Some(None),
            (Some(certificate), Some(key)) => (certificate, key),
            (Some(certificate), None) => {
                problems.push(format_args!("{CERTIFICATE} is `{}`; expected its key, too", certificate.display()));
                return None;
            }
            (None, Some(key)) => {
                problems.push(format_args!("{KEY} is `{}`; expected its certificate, too", key.display()));
                return None;
            }
        };
        let certificates = certificates(CERTIFICATE, certificate, problems);
        let key = self::key(key, provider, problems);
        Some(Some((certificates?, key?)))
    }

    fn read(what: &str, file: &Path, problems: &mut ConfigError) -> Option<Vec<u8>> {
        let refuse =
            |error| problems.push(format_args!("{what} is `{}`, which cannot be read: {error}", file.display()));
        std::fs::read(file).map_err(refuse).ok()
    }

    fn certificates(what: &str, file: &Path, problems: &mut ConfigError) -> Option<Vec<CertificateDer<'static>>> {
        let bytes = read(what, file, problems)?;
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
        let wrong = match certificates {
            Ok(certificates) if !certificates.is_empty() => return Some(certificates),
            Ok(_) => "there is no certificate in it".to_owned(),
            Err(error) => error.to_string(),
        };
        problems.push(format_args!("{what} is `{}`; expected PEM: {wrong}", file.display()));
        None
    }

    fn key(file: &Path, provider: &CryptoProvider, problems: &mut ConfigError) -> Option<PrivateKeyDer<'static>> {
        let bytes = read(KEY, file, problems)?;
        let wrong = match PrivateKeyDer::from_pem_slice(&bytes) {
            Ok(key) => match provider.key_provider.load_private_key(key.clone_key()) {
                Ok(_) => return Some(key),
                Err(error) => error.to_string(),
            },
            Err(rustls::pki_types::pem::Error::NoItemsFound) => "there is no private key in it".to_owned(),
            Err(error) => error.to_string(),
        };
        problems.push(format_args!("{KEY} is `{}`; expected PEM: {wrong}", file.display()));
        None
    }

    #[cfg(feature = "otlp-http")]
    pub(in super::super) fn http(Trust(config): Trust) -> Connector {
        let builder = HttpsConnectorBuilder::new().with_tls_config(config).https_or_http();
        builder.enable_http1().wrap_connector(plain())
    }

    #[cfg(feature = "otlp-grpc")]
    pub(in super::super) fn grpc(Trust(config): Trust) -> Connector {
        let builder = HttpsConnectorBuilder::new().with_tls_config(config).https_or_http();
        builder.enable_http2().wrap_connector(plain())
    }
}
