//! RSA keys: the one that signs tokens, and those that others publish.

use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{CertificateParams, DnType, KeyPair};
use rsa::pkcs1v15;
use rsa::pkcs8::EncodePrivateKey as _;
use rsa::signature::{SignatureEncoding as _, Signer as _};
use rsa::traits::PublicKeyParts as _;
use rsa::{BoxedUint, PrivateKey, PublicKey};
use rustls::pki_types::PrivatePkcs8KeyDer;
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::jwt;

/// Entra's signing keys have so many bits.
const BITS: usize = 2048;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the key that signs tokens could not be made: {0}")]
    Rsa(#[from] rsa::Error),
    #[error("the key that signs tokens could not be written: {0}")]
    Encoding(#[from] rsa::pkcs8::Error),
    #[error("the certificate of the key that signs tokens could not be made: {0}")]
    Certificate(#[from] rcgen::Error),
}

/// The key that signs tokens, with a certificate as Entra publishes one.
pub struct SigningKey {
    private: pkcs1v15::SigningKey<Sha256>,
    pub public: PublicKey,
    /// The certificate's SHA-1 thumbprint, which Entra takes for the key's id.
    pub id: String,
    certificate: Vec<u8>,
}

/// Making a key takes a while, so all sandboxes of a process have the same one; they tell each other's tokens apart by
/// issuer and audience.
static SHARED: Mutex<Option<Arc<SigningKey>>> = Mutex::new(None);

impl SigningKey {
    /// This process's key.
    pub fn shared() -> Result<Arc<Self>, KeyError> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = shared.as_ref() {
            return Ok(key.clone());
        }
        let key = Arc::new(Self::generate()?);
        *shared = Some(key.clone());
        Ok(key)
    }

    fn generate() -> Result<Self, KeyError> {
        let private = PrivateKey::new(&mut rand::rng(), BITS)?;
        let der = private.to_pkcs8_der()?;
        let pair = KeyPair::try_from(&PrivatePkcs8KeyDer::from(der.as_bytes()))?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Sandbox token signing");
        let certificate = params.self_signed(&pair)?.der().to_vec();
        let public = private.to_public_key();
        let id = thumbprints(&certificate).0;
        Ok(Self { private: pkcs1v15::SigningKey::new(private), public, id, certificate })
    }

    /// A signed token.
    pub fn sign(&self, claims: &Value) -> String {
        let header = json!({"typ": "JWT", "alg": "RS256", "x5t": self.id, "kid": self.id});
        let signed = jwt::encode(&header, claims);
        let signature = self.private.sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    /// The key as the JWKS endpoint publishes it.
    pub fn jwk(&self, issuer: &str) -> Value {
        json!({
            "kty": "RSA",
            "use": "sig",
            "kid": self.id,
            "x5t": self.id,
            "n": URL_SAFE_NO_PAD.encode(self.public.n_bytes()),
            "e": URL_SAFE_NO_PAD.encode(self.public.e_bytes()),
            "x5c": [STANDARD.encode(&self.certificate)],
            "cloud_instance_name": "sandbox",
            "issuer": issuer,
        })
    }
}

/// A key that somebody publishes as a JWK.
pub fn from_jwk(jwk: &Value) -> Option<PublicKey> {
    let part = |name: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(jwk.get(name)?.as_str()?).ok()?;
        Some(BoxedUint::from_be_slice_vartime(&bytes))
    };
    PublicKey::new(part("n")?, part("e")?).ok()
}

/// A certificate's SHA-1 and SHA-256 thumbprints, as the headers `x5t` and `x5t#S256` have them.
pub fn thumbprints(der: &[u8]) -> (String, String) {
    (URL_SAFE_NO_PAD.encode(Sha1::digest(der)), URL_SAFE_NO_PAD.encode(Sha256::digest(der)))
}
