//! What Microsoft Graph means when it refuses.

use serde::Deserialize;

use crate::error::{Class, Failure};
use crate::http::{Refusal, Refused, System, Verdict, printable};

/// Microsoft Graph, asked for something that needs an application permission.
pub struct MicrosoftGraph {
    /// The permission, or several.
    pub permission: &'static str,
}

/// Whether Graph understood a request and refused it as it stands (HTTP 400, or its like). So it answers also where what is asked for is
/// so already and merely not listed yet, or gone already and still listed; its codes do not tell these apart.
#[must_use]
pub fn is_bad_request(failure: &Failure) -> bool {
    failure.reason == "RequestRefused"
}

/// <https://learn.microsoft.com/graph/errors#json-representation>. `message` is not read: what a server writes there is
/// not ours to show.
#[derive(Default, Deserialize)]
struct Body {
    #[serde(default)]
    error: Error,
}

#[derive(Default, Deserialize)]
struct Error {
    code: Option<String>,
    #[serde(default, rename = "innerError", alias = "innererror")]
    inner: Option<Inner>,
}

#[derive(Deserialize)]
struct Inner {
    #[serde(default, rename = "request-id")]
    request_id: Option<String>,
}

impl System for MicrosoftGraph {
    const NAME: &'static str = "MicrosoftGraph";
    const CA_BUNDLE: &'static str = "spec.entra.caBundleRef";

    fn refusal(&self, refused: &Refused<'_>) -> Refusal {
        let Body { error } = serde_json::from_slice(refused.body).unwrap_or_default();
        let in_body = error.inner.and_then(|inner| inner.request_id).as_deref().map(printable);
        let request = in_body.or_else(|| refused.header("request-id")).map(|id| format!("request {id}"));
        let verdict = self.verdict(refused.status, error.code.as_deref());
        Refusal { said: error.code.as_deref().map(printable).into_iter().chain(request).collect(), verdict }
    }
}

impl MicrosoftGraph {
    fn permission_missing(&self) -> Verdict {
        Verdict::new(
            Class::Denied,
            "PermissionMissing",
            format!(
                "Grant the application permission {} of Microsoft Graph to the operator's application, with admin consent; it can take some minutes to work",
                self.permission
            ),
        )
    }

    /// What follows; none where the status tells all. Codes: <https://learn.microsoft.com/graph/resolve-auth-errors>.
    fn verdict(&self, status: u16, code: Option<&str>) -> Option<Verdict> {
        let (class, reason, advice) = match (status, code) {
            (408 | 429 | 300..=399 | 500.., _) => return None,
            (_, None) => (
                Class::Invalid,
                "NotMicrosoftGraph",
                "Microsoft Graph does not answer in this way: look at entra.cloud and at any proxy in between",
            ),
            (_, Some("Authorization_IdentityNotFound")) => (
                Class::Denied,
                "ApplicationNotInstalled",
                "The tenant has no enterprise application for the operator's application: give it admin consent",
            ),
            // So the provisioning service says that a permission is missing
            // (<https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/8800>).
            (401, Some("UnknownError")) => return Some(self.permission_missing()),
            // What `validateCredentials` found at the SCIM server; what that said is not read.
            (400, Some(code)) if code.ends_with("InvalidCredentials") => (
                Class::Invalid,
                "ProvisioningCredentialsRefused",
                "The SCIM server did not take the token: was it made anew, or provisioning deleted, in Administration - Authentication - Provisioning",
            ),
            (400, Some(code)) if code.ends_with("CredentialValidationUnavailable") => (
                Class::Invalid,
                "ProvisioningCredentialsRefused",
                "Entra ID did not reach the SCIM server or did not understand its answer: can that address be reached from the internet, and does a proxy stand between",
            ),
            (401, _) => (
                Class::Denied,
                "TokenRefused",
                "Entra ID gave the token out and Microsoft Graph refused it: check that entra.cloud is the tenant's cloud",
            ),
            (403, Some("Authentication_RequestFromNonPremiumTenantOrB2CTenant")) => {
                (Class::Invalid, "LicenceMissing", "It needs a tenant with Microsoft Entra ID P1 or P2")
            }
            (403, _) => {
                return Some(self.permission_missing());
            }
            // `Request_ResourceNotFound` and its like. A 404 with any other code does not prove that a thing is gone.
            (404, Some(code)) if code.ends_with("NotFound") => {
                (Class::Invalid, "NotFound", "Look whether somebody deleted it")
            }
            (404 | 424, _) => (Class::Transient, "ServerError", "It is tried again"),
            (409 | 412, _) => {
                (Class::Conflict, "WrittenMeanwhile", "Somebody else wrote at the same time; it is looked at again")
            }
            (423, _) => (Class::Transient, "Locked", "It is tried again"),
            _ => return None,
        };
        Some(Verdict::new(class, reason, advice))
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderMap;

    use super::*;
    use crate::http::classify;

    fn refused(status: u16, body: &str) -> Failure {
        let headers = HeaderMap::from_iter([
            ("request-id".parse().unwrap(), "r-header".parse().unwrap()),
            ("retry-after".parse().unwrap(), "2.128".parse().unwrap()),
        ]);
        let system = MicrosoftGraph { permission: "GroupMember.Read.All" };
        classify(&system, "list the members of \"X\"", &Refused { status, headers: &headers, body: body.as_bytes() })
    }

    fn coded(status: u16, code: &str) -> Failure {
        refused(status, &format!(r#"{{"error":{{"code":"{code}","message":"token eyJ0 is bad"}}}}"#))
    }

    #[test]
    fn a_missing_permission_is_named_and_the_servers_text_is_not_shown() {
        let body = r#"{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges, token eyJ0",
            "innerError":{"date":"2026-01-05T09:00:00","request-id":"r-body","client-request-id":"c"}}}"#;
        let failure = refused(403, body);
        assert_eq!((failure.class, failure.reason), (Class::Denied, "PermissionMissing"));
        assert_eq!(
            failure.message,
            "Could not list the members of \"X\": HTTP 403, Authorization_RequestDenied, request r-body. Grant the application \
             permission GroupMember.Read.All of Microsoft Graph to the operator's application, with admin consent; it can take \
             some minutes to work."
        );
        let elsewhere = refused(403, r#"{"error":{"code":"AccessDenied","innererror":{"request-id":"r-small"}}}"#);
        assert!(elsewhere.message.contains("AccessDenied, request r-small"), "{elsewhere}");
        assert!(coded(403, "AccessDenied").message.contains("AccessDenied, request r-header"));
    }

    #[test]
    fn codes_and_statuses_have_classes_and_reasons() {
        for (status, code, class, reason) in [
            (401, "InvalidAuthenticationToken", Class::Denied, "TokenRefused"),
            (401, "UnknownError", Class::Denied, "PermissionMissing"),
            (403, "Authorization_IdentityNotFound", Class::Denied, "ApplicationNotInstalled"),
            (403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant", Class::Invalid, "LicenceMissing"),
            (404, "Request_ResourceNotFound", Class::Invalid, "NotFound"),
            (404, "UnknownError", Class::Transient, "ServerError"),
            (409, "Directory_ConcurrencyViolation", Class::Conflict, "WrittenMeanwhile"),
            (424, "FailedDependency", Class::Transient, "ServerError"),
            (429, "TooManyRequests", Class::Throttled, "Throttled"),
            (400, "Request_UnsupportedQuery", Class::Bug, "RequestRefused"),
            (503, "serviceNotAvailable", Class::Transient, "ServerError"),
        ] {
            let failure = coded(status, code);
            assert_eq!((failure.class, failure.reason), (class, reason), "{status} {code}");
            assert_eq!(is_bad_request(&failure), status == 400);
            assert!(failure.message.contains(code) && !failure.message.contains("eyJ0"), "{failure}");
        }
        assert_eq!(coded(429, "TooManyRequests").retry_after, Some(std::time::Duration::from_millis(2128)));
    }

    #[test]
    fn what_is_not_graphs_answer_is_not_taken_for_one() {
        for body in ["", "<html>not found</html>", "{}", r#"{"error":"not_found"}"#, "[]"] {
            let failure = refused(404, body);
            assert_eq!((failure.class, failure.reason), (Class::Invalid, "NotMicrosoftGraph"), "{body}");
        }
        assert_eq!(refused(502, "<html>").class, Class::Transient);
    }

    #[test]
    fn every_status_has_a_class() {
        for status in 300..600 {
            for failure in [refused(status, "<html>"), coded(status, "X")] {
                assert!(failure.message.contains(&status.to_string()) && failure.message.ends_with('.'), "{failure}");
            }
        }
    }
}
