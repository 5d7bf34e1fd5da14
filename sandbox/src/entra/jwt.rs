//! JSON Web Tokens in their compact form, signed with RSA (RFC 7515, RFC 7518).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use rsa::PublicKey;
use rsa::signature::Verifier as _;
use serde_json::{Map, Value};
use sha2::Sha256;

/// A token that has been taken apart, but not verified.
#[derive(Debug)]
pub struct Jwt<'a> {
    pub header: Map<String, Value>,
    pub claims: Map<String, Value>,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Jwt<'a> {
    /// Takes a token apart; `None` if it is none.
    pub fn parse(token: &'a str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let decode = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        Some(Self { header: decode(header)?, claims: decode(claims)?, signed, signature })
    }

    /// A text of the header.
    pub fn heading(&self, name: &str) -> Option<&str> {
        self.header.get(name).and_then(Value::as_str)
    }

    /// A text of the claims.
    pub fn claim(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }

    /// A time of the claims. It is a number of seconds that may have a fraction (RFC 7519), as MSAL's has.
    pub fn time(&self, name: &str) -> Option<Timestamp> {
        let seconds = SignedDuration::try_from_secs_f64(self.claims.get(name)?.as_f64()?).ok()?;
        Timestamp::from_duration(seconds).ok()
    }

    /// Whether this is one of the audiences.
    pub fn is_for(&self, audience: &str) -> bool {
        match self.claims.get("aud") {
            Some(Value::Array(all)) => all.iter().any(|it| it == audience),
            Some(one) => one == audience,
            None => false,
        }
    }

    /// Whether the key has signed it with one of these algorithms: RS256, PS256.
    pub fn is_signed_by(&self, key: &PublicKey, algorithms: &[&str]) -> bool {
        let (signed, signature) = (self.signed.as_bytes(), self.signature.as_slice());
        match self.heading("alg").filter(|it| algorithms.contains(it)) {
            Some("RS256") => rsa::pkcs1v15::Signature::try_from(signature)
                .is_ok_and(|it| rsa::pkcs1v15::VerifyingKey::<Sha256>::new(key.clone()).verify(signed, &it).is_ok()),
            Some("PS256") => rsa::pss::Signature::try_from(signature)
                .is_ok_and(|it| rsa::pss::VerifyingKey::<Sha256>::new(key.clone()).verify(signed, &it).is_ok()),
            _ => false,
        }
    }
}

/// The part of a token that is signed.
pub fn encode(header: &Value, claims: &Value) -> String {
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    format!("{}.{}", encode(header), encode(claims))
}
