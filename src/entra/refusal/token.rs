//! What Entra ID's token endpoint means when it refuses.

use std::fmt;

use serde::Deserialize;

use crate::error::Class;
use crate::http::{Refusal, Refused, System, Verdict, printable};

/// The token endpoint.
pub struct TokenEndpoint {
    /// What the assertion said of itself, if one was sent.
    pub presented: Option<Presented>,
}

/// What a federated identity credential must name. None of it is a secret.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Presented {
    /// The claim `iss`.
    pub issuer: String,
    /// The claim `sub`.
    pub subject: String,
    /// The claim `aud`.
    pub audience: String,
}

impl fmt::Display for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "issuer \"{}\", subject \"{}\", audience \"{}\"", self.issuer, self.subject, self.audience)
    }
}

/// <https://learn.microsoft.com/entra/identity-platform/reference-error-codes#handling-error-codes-in-your-application>.
/// `error_description` is not read: it quotes the request.
#[derive(Default, Deserialize)]
struct Body {
    error: Option<String>,
    #[serde(default)]
    error_codes: Vec<u64>,
    trace_id: Option<String>,
}

impl System for TokenEndpoint {
    const NAME: &'static str = "EntraToken";
    const CA_BUNDLE: &'static str = "spec.entra.caBundleRef";

    fn refusal(&self, refused: &Refused<'_>) -> Refusal {
        let body: Body = serde_json::from_slice(refused.body).unwrap_or_default();
        let code = body.error_codes.first().copied();
        let error = body.error.as_deref().map(printable);
        let said = code.map(|code| format!("AADSTS{code}")).or_else(|| error.clone());
        let trace = body.trace_id.as_deref().map(printable).or_else(|| refused.header("x-ms-request-id"));
        Refusal {
            said: said.into_iter().chain(trace.map(|id| format!("trace {id}"))).collect(),
            verdict: match refused.status {
                408 | 429 | 300..=399 | 500.. => None,
                _ => Some(self.by_code(code).unwrap_or_else(|| by_error(error.as_deref()))),
            },
        }
    }
}

impl TokenEndpoint {
    /// The codes that have a cause that we can name
    /// (<https://learn.microsoft.com/entra/identity-platform/reference-error-codes>; those of federated credentials are
    /// seen in <https://github.com/Azure/azure-workload-identity/issues>). Microsoft may change them any time, so an
    /// unknown one is no surprise.
    fn by_code(&self, code: Option<u64>) -> Option<Verdict> {
        let (class, reason, advice) = match code? {
            7_000_215 => (
                Class::Denied,
                "ClientSecretWrong",
                "The client secret is wrong. The key clientSecret must hold the secret's Value, which Entra ID shows only once, and not its Secret ID",
            ),
            7_000_222 => (
                Class::Denied,
                "ClientSecretExpired",
                "The client secret has expired. Make a new one under Certificates & secrets and put its Value into the Secret",
            ),
            700_016 => (
                Class::Invalid,
                "ApplicationNotFound",
                "The tenant has no application with this id. Compare entra.clientId and entra.tenantId; one that was just made needs some minutes",
            ),
            7_000_229 => (
                Class::Denied,
                "ApplicationNotInstalled",
                "The tenant has no enterprise application for this application: give it admin consent",
            ),
            7_000_112 => (
                Class::Denied,
                "ApplicationDisabled",
                "Somebody has disabled the application: enable its enterprise application",
            ),
            90_002 | 900_023 | 90_038 => (
                Class::Invalid,
                "TenantNotFound",
                "There is no such tenant in this cloud. Compare entra.tenantId with Entra ID's Overview, and entra.cloud",
            ),
            500_011 | 500_014 | 500_341 | 70_011 | 1_002_012 => (
                Class::Invalid,
                "GraphNotFound",
                "The tenant knows no Microsoft Graph at this address: check that entra.cloud is the tenant's cloud",
            ),
            53_003 => (
                Class::Denied,
                "ConditionalAccess",
                "A Conditional Access policy for workload identities refuses it: allow this cluster's outgoing address, or exclude the application",
            ),
            700_024 | 500_133 if self.signed_by_us() => (
                Class::Denied,
                "AssertionNotInTime",
                "By Entra ID's clock what the operator has signed is not valid now: check the clock of the cluster's nodes",
            ),
            700_027 | 50_006 | 50_012 | 50_013 if self.signed_by_us() => (
                Class::Denied,
                "CertificateNotRegistered",
                "The application does not have the certificate of the Secret, or it has expired. Upload tls.crt under Certificates & secrets; one that was just added needs some minutes",
            ),
            700_024 | 500_133 => (
                Class::Denied,
                "AssertionNotInTime",
                "By Entra ID's clock the service account's token is not valid now: check the clock of the cluster's API server",
            ),
            700_027 | 50_006 | 50_012 | 50_013 => (
                Class::Denied,
                "AssertionSignatureWrong",
                "The service account's token is not signed by a key that the cluster's issuer publishes: compare the keys at its jwks_uri with those of the API server",
            ),
            50_166 | 501_661 | 90_061 => (
                Class::Transient,
                "IssuerUnreachable",
                "Entra ID could not read the keys of the cluster's issuer: its /.well-known/openid-configuration must be readable from the internet. It is tried again",
            ),
            // 70021, 700211 (issuer), 700212 (audience), 700213 (subject), 7002138 (small letters for capitals) …
            code if code.to_string().starts_with("70021") => return Some(self.federation()),
            50_196 | 90_006 | 90_012 | 90_024 | 90_033 | 90_055 | 90_090 => {
                (Class::Transient, "ServerError", "It is tried again")
            }
            _ => return None,
        };
        Some(Verdict::new(class, reason, advice))
    }

    /// What a certificate's key signs speaks of the application only; other issuers speak of others.
    fn signed_by_us(&self) -> bool {
        self.presented.as_ref().is_some_and(|presented| presented.issuer == presented.subject)
    }

    fn federation(&self) -> Verdict {
        let says = match &self.presented {
            Some(presented) => format!("The service account's token says {presented}"),
            None => "The service account's token has others".to_owned(),
        };
        let advice = format!(
            "No federated identity credential of the application has the token's Issuer, Subject and Audience. {says}: compare letter by letter; one that was just made needs some minutes"
        );
        Verdict::new(Class::Denied, "FederatedCredentialMissing", advice)
    }
}

/// By the `error` of OAuth 2.0, for codes without an advice of their own.
fn by_error(error: Option<&str>) -> Verdict {
    match error {
        None => Verdict::new(
            Class::Invalid,
            "NotEntra",
            "Entra ID does not answer in this way: look at entra.cloud and at any proxy in between",
        ),
        Some("temporarily_unavailable") => Verdict::new(Class::Transient, "ServerError", "It is tried again"),
        Some(_) => Verdict::new(
            Class::Denied,
            "CredentialsRefused",
            "Check entra.tenantId, entra.clientId and entra.credential; https://login.microsoftonline.com/error tells what the code means",
        ),
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderMap;

    use super::*;
    use crate::error::Failure;
    use crate::http::classify;

    fn refused(status: u16, body: &str) -> Failure {
        let presented = Presented {
            issuer: "https://issuer.example".into(),
            subject: "system:serviceaccount:ns:sa".into(),
            audience: "api://AzureADTokenExchange".into(),
        };
        let system = TokenEndpoint { presented: Some(presented) };
        classify(&system, "get a token", &Refused { status, headers: &HeaderMap::new(), body: body.as_bytes() })
    }

    fn coded(status: u16, code: u64) -> Failure {
        refused(
            status,
            &format!(
                r#"{{"error":"invalid_client","error_description":"AADSTS{code}: Invalid client secret 's3cr3t' provided. Trace ID: t-1",
                "error_codes":[{code}],"timestamp":"2026-01-05 09:00:00Z","trace_id":"t-1","correlation_id":"c-1"}}"#
            ),
        )
    }

    #[test]
    fn a_wrong_secret_says_what_it_could_have_been_and_nothing_of_the_servers_text() {
        assert_eq!(
            coded(401, 7_000_215).message,
            "Could not get a token: HTTP 401, AADSTS7000215, trace t-1. The client secret is wrong. The key clientSecret must \
             hold the secret's Value, which Entra ID shows only once, and not its Secret ID."
        );
    }

    #[test]
    fn what_our_certificate_signed_is_not_taken_for_a_service_accounts_token() {
        let ours = Presented { issuer: "app".into(), subject: "app".into(), audience: "https://login.example".into() };
        let system = TokenEndpoint { presented: Some(ours) };
        for (code, reason) in [(700_024, "AssertionNotInTime"), (700_027, "CertificateNotRegistered")] {
            let body = format!(r#"{{"error":"invalid_client","error_codes":[{code}],"trace_id":"t-1"}}"#);
            let refused = Refused { status: 401, headers: &HeaderMap::new(), body: body.as_bytes() };
            let failure = classify(&system, "get a token", &refused);
            assert_eq!((failure.class, failure.reason), (Class::Denied, reason));
            assert!(!failure.message.contains("service account"), "{failure}");
        }
    }

    #[test]
    fn codes_have_classes_and_reasons() {
        for (code, class, reason) in [
            (7_000_222, Class::Denied, "ClientSecretExpired"),
            (700_016, Class::Invalid, "ApplicationNotFound"),
            (7_000_229, Class::Denied, "ApplicationNotInstalled"),
            (7_000_112, Class::Denied, "ApplicationDisabled"),
            (90_002, Class::Invalid, "TenantNotFound"),
            (900_023, Class::Invalid, "TenantNotFound"),
            (500_011, Class::Invalid, "GraphNotFound"),
            (53_003, Class::Denied, "ConditionalAccess"),
            (700_024, Class::Denied, "AssertionNotInTime"),
            (700_027, Class::Denied, "AssertionSignatureWrong"),
            (50_013, Class::Denied, "AssertionSignatureWrong"),
            (501_661, Class::Transient, "IssuerUnreachable"),
            (70_021, Class::Denied, "FederatedCredentialMissing"),
            (700_211, Class::Denied, "FederatedCredentialMissing"),
            (700_212, Class::Denied, "FederatedCredentialMissing"),
            (700_213, Class::Denied, "FederatedCredentialMissing"),
            (7_002_138, Class::Denied, "FederatedCredentialMissing"),
            (50_196, Class::Transient, "ServerError"),
            (90_033, Class::Transient, "ServerError"),
            (123, Class::Denied, "CredentialsRefused"),
        ] {
            let failure = coded(400, code);
            assert_eq!((failure.class, failure.reason), (class, reason), "{code}");
            assert!(failure.message.contains(&format!("AADSTS{code}, trace t-1")), "{failure}");
            assert!(!failure.message.contains("s3cr3t"), "{failure}");
        }
    }

    #[test]
    fn a_missing_federated_credential_tells_what_it_must_name() {
        let message = coded(401, 700_213).message;
        let says = "issuer \"https://issuer.example\", subject \"system:serviceaccount:ns:sa\", audience \"api://AzureADTokenExchange\"";
        assert!(message.contains(says), "{message}");
    }

    #[test]
    fn a_status_that_passes_by_itself_wins_over_any_code() {
        assert_eq!(coded(429, 7_000_215).class, Class::Throttled);
        assert_eq!(coded(503, 7_000_215).class, Class::Transient);
    }

    #[test]
    fn what_is_not_entras_answer_is_not_taken_for_one() {
        for body in ["", "<html>forbidden by proxy</html>", "{}", "[]"] {
            let failure = refused(403, body);
            assert_eq!((failure.class, failure.reason), (Class::Invalid, "NotEntra"), "{body}");
        }
        assert_eq!(refused(400, r#"{"error":"temporarily_unavailable"}"#).class, Class::Transient);
        for status in 300..600 {
            assert!(refused(status, "<html>").message.contains(&status.to_string()), "{status}");
        }
    }
}
