//! How an application proves who it is: with a secret, a certificate, or somebody else's token that stands for it.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use rsa::PublicKey;
use rsa::pkcs8::DecodePublicKey as _;
use serde_json::Value;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::error::LoginError;
use crate::entra::jwt::Jwt;
use crate::entra::keys::{from_jwk, thumbprints};
use crate::entra::seconds;
use crate::world::entra::{Application, Certificate};

/// The keys of the issuers whose tokens may stand for an application, as a test has registered them: where Entra would
/// read them from the issuer, the sandbox asks nobody.
pub type FederatedKeys = HashMap<String, Vec<Value>>;

/// The only value of `client_assertion_type` (RFC 7523).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How the application has proven itself, as the token's claim `appidacr` tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    Secret,
    Assertion,
}

/// What a client can be proven with.
pub struct Client<'a> {
    pub application: &'a Application,
    /// What a certificate's assertion may be addressed to: the token endpoint, or the tenant's issuer.
    pub audiences: [String; 2],
    pub issuers: &'a FederatedKeys,
}

impl Client<'_> {
    /// Refuses whoever is not the application.
    pub fn authenticate(&self, form: &HashMap<String, String>) -> Result<Proof, LoginError> {
        if let Some(assertion) = form.get("client_assertion") {
            if form.get("client_assertion_type").map(String::as_str) != Some(ASSERTION_TYPE) {
                return Err(missing("client_assertion_type"));
            }
            return self.assertion(assertion).map(|()| Proof::Assertion);
        }
        match form.get("client_secret") {
            Some(secret) => self.secret(secret).map(|()| Proof::Secret),
            None => Err(LoginError::client(
                7_000_216,
                "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
            )),
        }
    }

    fn secret(&self, secret: &str) -> Result<(), LoginError> {
        let app_id = self.application.app_id;
        let password = self.application.passwords.iter().find(|it| it.value == secret);
        let password = password.ok_or_else(|| {
            LoginError::client(
                7_000_215,
                format!(
                    "Invalid client secret provided. Ensure the secret being sent in the request is the client secret \
                     value, not the client secret ID, for a secret added to app '{app_id}'."
                ),
            )
        })?;
        if password.ends_at <= Timestamp::now() {
            return Err(LoginError::client(
                7_000_222,
                format!(
                    "The provided client secret keys for app '{app_id}' are expired. Visit the Azure portal to create \
                     new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials \
                     for added security: https://aka.ms/certCreds."
                ),
            ));
        }
        Ok(())
    }

    fn assertion(&self, assertion: &str) -> Result<(), LoginError> {
        let malformed = || LoginError::request(50_027, "JWT token is invalid or malformed.");
        let jwt = Jwt::parse(assertion).ok_or_else(malformed)?;
        let issuer = jwt.claim("iss").ok_or_else(malformed)?;
        if issuer == self.application.app_id.to_string() { self.certified(&jwt) } else { self.federated(&jwt, issuer) }
    }

    /// An assertion that the application has signed itself
    /// (<https://learn.microsoft.com/en-us/entra/identity-platform/certificate-credentials>).
    fn certified(&self, jwt: &Jwt<'_>) -> Result<(), LoginError> {
        let app_id = self.application.app_id;
        if jwt.claim("sub") != jwt.claim("iss") {
            return Err(LoginError::client(
                700_021,
                "Client assertion application identifier doesn't match 'client_id' parameter.",
            ));
        }
        if !self.audiences.iter().any(|it| jwt.is_for(it)) {
            return Err(LoginError::client(700_023, "Client assertion audience claim does not match Realm issuer."));
        }
        // MSAL pads them, which JWS does not.
        let thumbprint = |name| jwt.heading(name).map(|it| it.trim_end_matches('='));
        let (sha1, sha256) = (thumbprint("x5t"), thumbprint("x5t#S256"));
        let named = |it: &&Certificate| {
            let own = thumbprints(&it.der);
            sha1.is_some_and(|it| it == own.0) || sha256.is_some_and(|it| it == own.1)
        };
        let unknown = |reason: &str| {
            let used = URL_SAFE_NO_PAD.decode(sha256.or(sha1).unwrap_or_default()).unwrap_or_default();
            let used = used.iter().fold(String::new(), |text, byte| text + &format!("{byte:02X}"));
            LoginError::client(
                700_027,
                format!(
                    "The certificate with identifier used to sign the client assertion is not registered on \
                     application. [Reason - {reason}, Thumbprint of key used by client: '{used}', Please visit the \
                     Azure Portal, Graph Explorer or directly use MS Graph to see configured keys for app Id \
                     '{app_id}'.]"
                ),
            )
        };
        let certificate = self.application.certificates.iter().find(named);
        let certificate = certificate.ok_or_else(|| unknown("The key was not found."))?;
        if !public_key(&certificate.der).is_some_and(|key| jwt.is_signed_by(&key, &["PS256", "RS256"])) {
            return Err(unknown("The key was found, but verification of the signature failed."));
        }
        if certificate.ends_at <= Timestamp::now() {
            return Err(unknown("The key used is expired."));
        }
        in_time(jwt)
    }

    /// A token of an issuer that the application trusts to speak for it. Issuer, subject and audience are compared as
    /// they are, and only RS256 counts
    /// (<https://learn.microsoft.com/en-us/entra/workload-id/workload-identity-federation-considerations>).
    fn federated(&self, jwt: &Jwt<'_>, issuer: &str) -> Result<(), LoginError> {
        let unmatched = |code, what: &str, value: &str| {
            LoginError::client(
                code,
                format!(
                    "No matching federated identity record found for presented assertion {what} '{value}'. Check your \
                     federated identity credential Subject, Audience and Issuer against the presented assertion. \
                     https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
                ),
            )
        };
        let mut fitting: Vec<_> = self.application.federated.iter().filter(|it| it.issuer == issuer).collect();
        if fitting.is_empty() {
            return Err(unmatched(700_211, "issuer", issuer));
        }
        let subject = jwt.claim("sub").unwrap_or_default();
        fitting.retain(|it| it.subject == subject);
        if fitting.is_empty() {
            return Err(unmatched(700_213, "subject", subject));
        }
        if !fitting.iter().any(|it| it.audiences.iter().any(|audience| jwt.is_for(audience))) {
            let audience = jwt.claims.get("aud").map(Value::to_string).unwrap_or_default();
            return Err(unmatched(700_212, "audience", audience.trim_matches('"')));
        }
        let unreachable = || LoginError::request(50_166, "Request to External OIDC endpoint failed.");
        let keys = self.issuers.get(issuer).ok_or_else(unreachable)?;
        let id = jwt.heading("kid");
        let named = keys.iter().filter(|it| id.is_none() || it.get("kid").and_then(Value::as_str) == id);
        if !named.filter_map(from_jwk).any(|key| jwt.is_signed_by(&key, &["RS256"])) {
            let reason = "[Reason - The key was not found.]";
            return Err(LoginError::client(50_013, format!("Assertion failed signature validation. {reason}")));
        }
        in_time(jwt)
    }
}

fn in_time(jwt: &Jwt<'_>) -> Result<(), LoginError> {
    let now = Timestamp::now();
    let (from, to) = (jwt.time("nbf").unwrap_or(Timestamp::MIN), jwt.time("exp").unwrap_or(Timestamp::MIN));
    if (from..to).contains(&now) {
        return Ok(());
    }
    Err(LoginError::client(
        700_024,
        format!(
            "Client assertion is not within its valid time range. Current time: {}, assertion valid from {}, expiry time \
             of assertion {}. Review the documentation at \
             https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
            seconds(now),
            seconds(from),
            seconds(to)
        ),
    ))
}

/// A parameter that the request lacks.
pub fn missing(name: &str) -> LoginError {
    LoginError::request(900_144, format!("The request body must contain the following parameter: '{name}'."))
}

fn public_key(der: &[u8]) -> Option<PublicKey> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    PublicKey::from_public_key_der(certificate.tbs_certificate.subject_pki.raw).ok()
}
