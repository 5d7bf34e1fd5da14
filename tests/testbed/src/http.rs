//! An HTTPS client that trusts one authority and nothing else.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::error::{Error, Result};

/// A client that trusts the certificates in this PEM file.
pub(crate) fn client(authority: &Path) -> Result<reqwest::Client> {
    let failed = |reason: String| Error::Trust { path: authority.to_path_buf(), reason };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(authority).map_err(|error| failed(error.to_string()))? {
        let certificate = certificate.map_err(|error| failed(error.to_string()))?;
        roots.add(certificate).map_err(|error| failed(error.to_string()))?;
    }
    // The provider is named here and not taken from the process, whose owner may have set none or another one.
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(config)
        // A proxy of the machine has no business with servers on 127.0.0.1.
        .no_proxy()
        .build()
        .map_err(|error| failed(error.to_string()))
}
