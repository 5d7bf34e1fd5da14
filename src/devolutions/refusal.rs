//! What a server that speaks the cloud contract means when it refuses.

use serde::Deserialize;

use crate::error::Class;
use crate::http::{Refusal, Refused, System, Verdict, printable};

/// A server that speaks the cloud contract.
pub struct Server;

/// The error body of the cloud contract. Its `message` is not read: what a server writes there is
/// not ours to show.
#[derive(Default, Deserialize)]
struct ErrorBody {
    code: Option<i64>,
    name: Option<String>,
}

impl System for Server {
    const NAME: &'static str = "DevolutionsCloud";
    const CA_BUNDLE: &'static str = "spec.devolutionsCloud.caBundleRef";

    fn refusal(&self, refused: &Refused<'_>) -> Refusal {
        let body: ErrorBody = serde_json::from_slice(refused.body).unwrap_or_default();
        let verdict = verdict(refused.status, body.code, body.name.as_deref());
        let code = match (body.code, body.name) {
            (Some(code), Some(name)) => Some(format!("code {code} {}", printable(&name))),
            (Some(code), None) => Some(format!("code {code}")),
            (None, name) => name.as_deref().map(printable),
        };
        let request = refused.header("x-request-id").map(|id| format!("request {id}"));
        Refusal { said: code.into_iter().chain(request).collect(), verdict }
    }
}

/// What follows; none where the status tells all.
fn verdict(status: u16, code: Option<i64>, name: Option<&str>) -> Option<Verdict> {
    let (class, reason, advice) = match status {
        401 => (
            Class::Denied,
            "CredentialsRefused",
            "Check applicationKey and applicationSecret in the connection's Secret",
        ),
        403 if code == Some(7) => {
            (Class::Denied, "IpForbidden", "Allow this cluster's outgoing address in the tenant's IP allowlist")
        }
        403 if code == Some(13) => {
            (Class::Invalid, "SyncedReadOnly", "A synced group can only be changed at the identity provider")
        }
        403 => (
            Class::Denied,
            "AccessDenied",
            "Give the application identity the right to do this, see the README's list of rights",
        ),
        404 => (
            Class::Invalid,
            "NotFound",
            "Look whether somebody deleted it, and whether devolutionsCloud.url points at a server that speaks the cloud contract",
        ),
        409 if name == Some("ProvisioningNotReady") => (
            Class::Invalid,
            "ProvisioningNotReady",
            "Provisioning needs single sign-on that is enabled and a domain that is verified; where it needs that by the new application, set spec.cutover.when to BeforeProvisioning",
        ),
        409 | 412 => {
            (Class::Conflict, "WrittenMeanwhile", "Somebody else wrote at the same time; it is looked at again")
        }
        423 => (Class::Transient, "Locked", "Somebody has it open for editing; it is tried again"),
        544 => (Class::Invalid, "InvitationRefused", "See the server's administration log"),
        300..=399 => {
            (Class::Invalid, "Redirected", "Redirects are not followed: give the final address in devolutionsCloud.url")
        }
        _ => return None,
    };
    Some(Verdict::new(class, reason, advice))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderMap;

    use super::*;
    use crate::error::Failure;
    use crate::http::classify;

    fn refused(status: u16, body: &str) -> Failure {
        let headers = HeaderMap::from_iter([("x-request-id".parse().unwrap(), "r-1".parse().unwrap())]);
        classify(&Server, "grant at vault \"Payments\"", &Refused { status, headers: &headers, body: body.as_bytes() })
    }

    #[test]
    fn a_refusal_tells_status_code_request_and_advice_but_not_the_servers_text() {
        let failure = refused(403, r#"{"code":8,"name":"AccessDenied","message":"your key AbC= may not"}"#);
        assert_eq!(failure.class, Class::Denied);
        assert_eq!(
            failure.message,
            "Could not grant at vault \"Payments\": HTTP 403, code 8 AccessDenied, request r-1. \
             Give the application identity the right to do this, see the README's list of rights."
        );
    }

    #[test]
    fn codes_of_the_contract_have_reasons_of_their_own() {
        for (status, body, class, reason) in [
            (403, r#"{"code":7}"#, Class::Denied, "IpForbidden"),
            (403, r#"{"code":13}"#, Class::Invalid, "SyncedReadOnly"),
            (409, r#"{"code":0,"name":"ProvisioningNotReady"}"#, Class::Invalid, "ProvisioningNotReady"),
            (409, r#"{"code":0,"name":"ProvisioningEnabled"}"#, Class::Conflict, "WrittenMeanwhile"),
            (423, "", Class::Transient, "Locked"),
            (544, "", Class::Invalid, "InvitationRefused"),
            (500, "", Class::Transient, "ServerError"),
            (429, "<html>", Class::Throttled, "Throttled"),
            (400, "{}", Class::Bug, "RequestRefused"),
        ] {
            let failure = refused(status, body);
            assert_eq!((failure.class, failure.reason), (class, reason), "{status} {body}");
        }
    }

    #[test]
    fn every_status_has_a_class() {
        for status in 300..600 {
            assert!(refused(status, "<html>").message.contains(&status.to_string()), "{status}");
        }
    }
}
