//! The current application and what does not follow from it, one that is there already, and whether the work can be done.

use crate::stage::*;
use Severity::{Critical, Warning};
use operator::api::Severity;
use operator::entra::{Application, ConditionalAccessPolicy, SecretPolicy, ServicePrincipal};
use operator::plan::preflight::{Current, Existing, lacking_operations};
use serde_json::json;
use uuid::Uuid;

#[test]
fn the_current_application_and_what_does_not_follow_to_the_new_one() {
    let current = |change: fn(&mut Current)| found(json!({}), |seen| change(seen.current.as_mut().unwrap()));
    one(
        "CurrentApplicationDisabled",
        Critical,
        false,
        &["Devolutions Hub"],
        current(|c| {
            c.principal.account_enabled = Some(false);
        }),
    );
    one("CurrentApplicationForeign", Critical, true, &[CURRENT], current(|c| c.application = None));
    one(
        "PoliciesOnCurrentApplication",
        Critical,
        true,
        &["Mail from UPN"],
        current(|c| {
            c.policies = Some(vec!["Mail from UPN".to_owned()]);
        }),
    );
    one(
        "FurtherRedirectUris",
        Warning,
        false,
        &["https://encryption.contoso.example"],
        current(|c| {
            c.application.as_mut().unwrap().web.redirect_uris.push("https://encryption.contoso.example".to_owned());
        }),
    );
    one(
        "CallbackNotRegistered",
        Warning,
        false,
        &[CALLBACK],
        current(|c| {
            c.application.as_mut().unwrap().web.redirect_uris.clear();
        }),
    );
    one(
        "NoRedirectUri",
        Critical,
        false,
        &["spec.application.redirectUris.additional"],
        found(json!({}), |seen| {
            seen.sso.as_mut().unwrap().callback_url = None;
            seen.current.as_mut().unwrap().application.as_mut().unwrap().web.redirect_uris.clear();
        }),
    );
    let given = json!({"application": {"redirectUris": {"additional": ["https://x.example/callback"]}}});
    let unknown = found(given, |seen| {
        seen.sso.as_mut().unwrap().callback_url = None;
        seen.current.as_mut().unwrap().application.as_mut().unwrap().web.redirect_uris.clear();
    });
    assert!(unknown.iter().all(|finding| finding.reason != "NoRedirectUri"), "{unknown:?}");
    let namesake: Application = read(json!({"id": Uuid::nil(), "appId": "a-1"}));
    one(
        "ApplicationNameTaken",
        Warning,
        false,
        &["a-1", "\"Devolutions Cloud\""],
        found(json!({}), |seen| {
            seen.namesakes = vec![namesake];
        }),
    );
}

#[test]
fn what_the_work_takes() {
    let cannot = |mode: &str| found(json!({"mode": mode}), |seen| seen.cannot_save = true);
    one("SingleSignOnNotWritable", Critical, false, &["saveSsoConfiguration"], cannot("Apply"));
    one("SingleSignOnNotWritable", Warning, false, &["can only look"], cannot("Plan"));
    let lacks =
        |mode: &str| found(json!({"mode": mode}), |seen| seen.lacking = vec!["AppRoleAssignment.ReadWrite.All"]);
    let says = ["AppRoleAssignment.ReadWrite.All", "admin consent"];
    one("PermissionsToApplyNotSeen", Critical, true, &says, lacks("Apply"));
    assert!(lacks("Plan").is_empty(), "a look takes none of them");
    // Copied or not, it is said what becomes of other redirect URIs.
    let other = |copy: bool| {
        found(json!({"application": {"redirectUris": {"copyFromCurrent": copy}}}), |seen| {
            let application = seen.current.as_mut().unwrap().application.as_mut().unwrap();
            application.web.redirect_uris.push("https://encryption.contoso.example".to_owned());
        })
    };
    one("FurtherRedirectUris", Warning, false, &["gets these redirect URIs as well"], other(true));
    one("FurtherRedirectUris", Warning, false, &["copyFromCurrent is false"], other(false));
}

#[test]
fn an_application_that_is_there_already() {
    let made = |app_id: &str, template: Option<&str>| {
        let application = json!({"id": Uuid::from_u128(8), "appId": app_id, "displayName": "Mine", "applicationTemplateId": template});
        (read(application), read(json!({"id": Uuid::from_u128(9), "appId": app_id})))
    };
    let existing = |found: Option<(Application, ServicePrincipal)>| {
        let app_id = found.as_ref().map_or("unknown".to_owned(), |(application, _)| application.app_id.clone());
        self::found(json!({}), move |seen| seen.existing = Some(Existing { app_id, found }))
    };
    assert!(existing(Some(made("new", Some("8adf8e6e")))).is_empty());
    one("ExistingApplicationNotFound", Critical, false, &["unknown"], existing(None));
    one("ExistingIsCurrent", Critical, false, &["Mine"], existing(Some(made(CURRENT, Some("8adf8e6e")))));
    one("ExistingCannotProvision", Critical, true, &["Mine"], existing(Some(made("new", None))));
}

#[test]
fn policies_of_the_tenant() {
    let policies =
        |policies: Vec<ConditionalAccessPolicy>| found(json!({}), |seen| seen.conditional_access = Some(policies));
    let including = json!({"includeApplications": [CURRENT.to_uppercase()]});
    one(
        "ConditionalAccessNamesApplication",
        Critical,
        true,
        &["Require MFA", "with less than today"],
        policies(vec![
            policy("Require MFA", "enabled", including.clone()),
            policy("Everybody", "enabled", json!({"includeApplications": ["All"]})),
        ]),
    );
    one(
        "ConditionalAccessSparesApplication",
        Critical,
        true,
        &["Block all else"],
        policies(vec![policy(
            "Block all else",
            "enabledForReportingButNotEnforced",
            json!({"includeApplications": ["All"], "excludeApplications": [CURRENT]}),
        )]),
    );
    let by_filter = json!({"applicationFilter": {"mode": "include", "rule": "CustomSecurityAttribute.x"}});
    one(
        "ConditionalAccessByFilter",
        Warning,
        false,
        &["Filtered"],
        policies(vec![policy("Filtered", "enabled", by_filter)]),
    );
    assert_eq!(policies(vec![policy("Off", "disabled", including)]), []);
    one(
        "ConditionalAccessNotChecked",
        Critical,
        true,
        &["Policy.Read.All"],
        found(json!({}), |seen| {
            seen.conditional_access = None;
        }),
    );
    let secrets = |policy: SecretPolicy| found(json!({}), |seen| seen.secret_policy = Some(policy));
    one("ClientSecretsForbidden", Critical, true, &[], secrets(SecretPolicy { forbidden: true, longest_life: None }));
    let bounded = SecretPolicy { forbidden: false, longest_life: Some("P90D".to_owned()) };
    one("ClientSecretLifeBounded", Warning, false, &["P90D"], secrets(bounded));
}

#[test]
fn what_provisioning_takes() {
    let canary = || json!({"canary": {"user": "u@x.example"}});
    let cannot = |mode: &str| {
        found(json!({"mode": mode, "provisioning": canary()}), |seen| {
            seen.cannot_provision = vec!["enableProvisioning"];
        })
    };
    one("ProvisioningNotSupported", Critical, false, &["enableProvisioning"], cannot("Apply"));
    one("ProvisioningNotSupported", Warning, false, &["enableProvisioning"], cannot("Plan"));
    let has = ["enableProvisioning", "getProvisioning"].map(ToOwned::to_owned);
    assert_eq!(lacking_operations(&has), ["regenerateProvisioningToken", "activateSynchronization"]);
}
