//! What a tenant allows for client secrets, out of its policy for applications
//! (<https://learn.microsoft.com/graph/api/resources/tenantappmanagementpolicy>).

use k8s_openapi::jiff::Timestamp;
use serde::Deserialize;

use super::SecretPolicy;

/// `/policies/defaultAppManagementPolicy`: what holds for applications that have no policy of their own.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DefaultPolicy {
    #[serde(default)]
    is_enabled: Option<bool>,
    #[serde(default)]
    application_restrictions: Option<Restrictions>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Restrictions {
    #[serde(default)]
    password_credentials: Option<Vec<Restriction>>,
}

/// <https://learn.microsoft.com/graph/api/resources/passwordcredentialconfiguration>
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Restriction {
    #[serde(default, rename = "restrictionType")]
    kind: Option<String>,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    max_lifetime: Option<String>,
    #[serde(default, rename = "restrictForAppsCreatedAfterDateTime")]
    since: Option<Timestamp>,
}

impl DefaultPolicy {
    /// What it means for an application that is made `now`. Each type of restriction comes once at most.
    pub fn in_force(self, now: Timestamp) -> SecretPolicy {
        if self.is_enabled != Some(true) {
            return SecretPolicy::default();
        }
        let restrictions = self.application_restrictions.and_then(|r| r.password_credentials).unwrap_or_default();
        let applies = |r: &Restriction| {
            // A state that we do not know is taken for the stricter one.
            r.state.as_deref() != Some("disabled") && r.since.is_none_or(|t| t <= now)
        };
        let mut policy = SecretPolicy::default();
        for restriction in restrictions.into_iter().filter(applies) {
            match restriction.kind.as_deref() {
                Some("passwordAddition") => policy.forbidden = true,
                Some("passwordLifetime") => policy.longest_life = restriction.max_lifetime,
                // Keys, and passwords that somebody thought up: neither is a client secret as the portal or `addPassword`
                // makes them.
                _ => {}
            }
        }
        policy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(json: &str) -> SecretPolicy {
        serde_json::from_str::<DefaultPolicy>(json).unwrap().in_force("2026-11-23T12:00:00Z".parse().unwrap())
    }

    fn restricted(restrictions: &str) -> SecretPolicy {
        policy(&format!(r#"{{"isEnabled":true,"applicationRestrictions":{{"passwordCredentials":[{restrictions}]}}}}"#))
    }

    #[test]
    fn addition_and_lifetime_count_and_nothing_else_does() {
        let found = restricted(
            r#"{"restrictionType":"passwordAddition","maxLifetime":null,"restrictForAppsCreatedAfterDateTime":"2021-01-01T10:37:00Z"},
               {"restrictionType":"passwordLifetime","state":"enabled","maxLifetime":"P90D"},
               {"restrictionType":"symmetricKeyAddition"},{"restrictionType":"customPasswordAddition"},{"restrictionType":"asYetUnknown"}"#,
        );
        assert_eq!(found, SecretPolicy { forbidden: true, longest_life: Some("P90D".to_owned()) });
    }

    #[test]
    fn what_is_switched_off_or_not_yet_in_force_does_not_count() {
        let lax = SecretPolicy::default();
        assert_eq!(restricted(r#"{"restrictionType":"passwordAddition","state":"disabled"}"#), lax);
        let later =
            r#"{"restrictionType":"passwordAddition","restrictForAppsCreatedAfterDateTime":"2027-01-01T00:00:00Z"}"#;
        assert_eq!(restricted(later), lax);
        let off = r#"{"isEnabled":false,"applicationRestrictions":{"passwordCredentials":[{"restrictionType":"passwordAddition"}]}}"#;
        assert_eq!(policy(off), lax);
        assert_eq!(policy(r#"{"isEnabled":true,"applicationRestrictions":{"passwordCredentials":null}}"#), lax);
        assert_eq!(policy("{}"), lax);
    }
}
