//! A certificate as proof: assertions that are signed with its key
//! (<https://learn.microsoft.com/entra/identity-platform/certificate-credentials>). `jsonwebtoken` makes them, and the TLS
//! library signs, so that nothing further handles keys: the certificates of `azure_identity` would bring OpenSSL in.

use std::sync::{Arc, Once};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use k8s_openapi::jiff::Timestamp;
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use url::Url;
use uuid::Uuid;

use super::credential::Assertion;
use crate::error::{Class, Failure};

/// How long an assertion is good for, in seconds. It is used at once; clocks may differ by some minutes.
const SECONDS: i64 = 300;

/// A certificate of our application, and its key.
pub struct Certificate {
    /// The digest by which Entra ID finds it.
    thumbprint: String,
    key: EncodingKey,
}

impl Certificate {
    /// From PEM texts, as a Secret of the type `kubernetes.io/tls` has them; the first certificate counts. Only RSA keys
    /// are taken, for which Microsoft documents the assertion.
    pub fn from_pem(certificate: &SecretString, key: &SecretString) -> Result<Self, Failure> {
        let certificate = CertificateDer::from_pem_slice(certificate.expose_secret().as_bytes())
            .map_err(|_| unusable("tls.crt holds no certificate in PEM form"))?;
        let key = PrivateKeyDer::from_pem_slice(key.expose_secret().as_bytes())
            .map_err(|_| unusable("tls.key holds no private key in PEM form that is not encrypted"))?;
        let signing = any_supported_type(&key)
            .ok()
            .filter(|key| key.choose_scheme(&[SCHEME]).is_some())
            .ok_or_else(|| unusable("tls.key holds no RSA key of 2048 to 8192 bits"))?;
        match CertifiedKey::new(vec![certificate.clone()], signing).keys_match() {
            Ok(()) => {}
            Err(rustls::Error::InconsistentKeys(_)) => {
                return Err(unusable("tls.key is not the key of the first certificate in tls.crt"));
            }
            Err(_) => return Err(unusable("tls.crt holds no X.509 certificate of version 3")),
        }
        Ok(Self {
            thumbprint: URL_SAFE_NO_PAD.encode(Sha256::digest(&certificate)),
            key: EncodingKey::from_rsa_der(key.secret_der()),
        })
    }

    /// What asserts to `authority` that we are the application `client_id` of a tenant. It is of no use elsewhere.
    #[must_use]
    pub fn speaks_for(self, client_id: &str, tenant_id: &str, authority: &Url) -> Arc<dyn Assertion> {
        let mut audience = authority.clone();
        audience.set_path(&format!("/{tenant_id}/oauth2/v2.0/token"));
        Arc::new(Signed { certificate: self, client_id: client_id.to_owned(), audience: audience.into() })
    }
}

struct Signed {
    certificate: Certificate,
    client_id: String,
    audience: String,
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iss: &'a str,
    sub: &'a str,
    jti: Uuid,
    nbf: i64,
    iat: i64,
    exp: i64,
}

impl Assertion for Signed {
    fn token(&self) -> BoxFuture<'_, Result<SecretString, Failure>> {
        ready(self.sign()).boxed()
    }
}

impl Signed {
    fn sign(&self) -> Result<SecretString, Failure> {
        static INSTALL: Once = Once::new();
        // Nothing else here signs by that crate, so whoever was first is us.
        INSTALL.call_once(|| {
            let _ = PROVIDER.install_default();
        });
        let now = Timestamp::now().as_second();
        let claims = Claims {
            aud: &self.audience,
            iss: &self.client_id,
            sub: &self.client_id,
            jti: Uuid::new_v4(),
            nbf: now,
            iat: now,
            exp: now + SECONDS,
        };
        let header = Header { x5t_s256: Some(self.certificate.thumbprint.clone()), ..Header::new(Algorithm::PS256) };
        let signed = jsonwebtoken::encode(&header, &claims, &self.certificate.key);
        signed.map(SecretString::from).map_err(|_| unusable("its key cannot sign"))
    }
}

/// PS256, the one that Microsoft asks for, in TLS's terms.
const SCHEME: SignatureScheme = SignatureScheme::RSA_PSS_SHA256;

/// PS256 and nothing else: it is all that we sign, and we verify nothing.
static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| match algorithm {
        Algorithm::PS256 => Ok(Box::new(Signer(key.clone()))),
        _ => Err(Error::from(ErrorKind::InvalidAlgorithm)),
    },
    verifier_factory: |_, _| Err(Error::from(ErrorKind::InvalidAlgorithm)),
    key_utils: KeyUtils::new_unimplemented(),
};

struct Signer(EncodingKey);

impl signature::Signer<Vec<u8>> for Signer {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        let key = PrivateKeyDer::try_from(self.0.as_bytes()).map_err(|_| signature::Error::new())?;
        let key = any_supported_type(&key).map_err(|_| signature::Error::new())?;
        let signer = key.choose_scheme(&[SCHEME]).ok_or_else(signature::Error::new)?;
        signer.sign(message).map_err(|_| signature::Error::new())
    }
}

impl JwtSigner for Signer {
    fn algorithm(&self) -> Algorithm {
        Algorithm::PS256
    }
}

fn unusable(why: &str) -> Failure {
    Failure::new(
        Class::Invalid,
        "CertificateUnusable",
        format!(
            "Could not use the certificate of the operator's application: {why}. Give a Secret of the type kubernetes.io/tls with an RSA key."
        ),
    )
}
