//! A certificate authority of the sandbox's own, and one server certificate of it. The keys never leave memory.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("the sandbox's certificates could not be made: {0}")]
    Certificate(#[from] rcgen::Error),
    #[error("the sandbox's certificates cannot be served: {0}")]
    Config(#[from] rustls::Error),
}

/// What a server needs, and what its clients must trust.
pub struct Tls {
    pub config: Arc<ServerConfig>,
    /// The authority's certificate, PEM.
    pub ca: String,
}

impl Tls {
    /// Makes an authority and a certificate for this machine's loopback names.
    pub fn generate() -> Result<Self, TlsError> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Devolutions sandbox CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;

        let mut params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, "Devolutions sandbox");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &authority)?;

        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.into()], key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), ca: authority.pem() })
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("a client for the sandbox's own requests could not be made: {0}")]
    Client(#[from] reqwest::Error),
    #[error("a client for the sandbox's own requests trusts nobody: {0}")]
    Tls(#[from] rustls::Error),
    #[error("an authority's certificate cannot be read: {0}")]
    Authority(#[from] rustls::pki_types::pem::Error),
}

/// A client that trusts these authorities (PEM) and nobody else, and does not follow where it is sent.
pub fn client(authorities: &[String]) -> Result<reqwest::Client, ClientError> {
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(CertificateDer::from_pem_slice(authority.as_bytes())?)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls);
    Ok(client.redirect(reqwest::redirect::Policy::none()).build()?)
}
