//! How people sign in now, and by which application.

use crate::stage::*;
use Severity::{Critical, Warning};
use operator::api::Severity;
use operator::devolutions::{Domain, SsoConfiguration, SsoProvider};
use operator::plan::preflight::current_app_id;
use serde_json::{Value, json};

#[test]
fn how_people_sign_in_now() {
    let sso = |change: fn(&mut SsoConfiguration)| found(json!({}), |seen| change(seen.sso.as_mut().unwrap()));
    one(
        "NoWayBack",
        Critical,
        true,
        &["organization", "spec.acknowledgements"],
        sso(|s| s.provider = SsoProvider::Organization),
    );
    one("SingleSignOnOff", Critical, false, &["nothing to migrate"], sso(|s| s.provider = SsoProvider::None));
    one("SingleSignOnOff", Critical, false, &["switched off"], sso(|s| s.enabled = false));
    one(
        "OtherTenant",
        Critical,
        false,
        &[TENANT, "another tenant"],
        sso(|s| {
            s.discovery_url =
                Some("https://login.microsoftonline.com/6f1c0000-0000-4000-8000-00000000000f/v2.0".to_owned());
        }),
    );
    one("SingleSignOnNotChecked", Critical, true, &["does not tell"], found(json!({}), |s| s.sso = None));
    one("SingleSignOnForced", Critical, false, &["ForceSSOLogin"], found(json!({}), |s| s.forces_sso = Some(true)));
    one("SingleSignOnForcedNotChecked", Critical, true, &[], found(json!({}), |s| s.forces_sso = None));
}

#[test]
fn domains_with_the_record_that_is_lacking() {
    let record = "TXT record _devolutions-challenge.contoso.example = DEVOLUTIONS-DOMAIN-VERIFICATION=abc";
    let domains = |all: Vec<Domain>| found(json!({}), |seen| seen.domains = Some(all));
    one("NoVerifiedDomain", Critical, false, &[record, "Pending"], domains(vec![domain("contoso.example", "Pending")]));
    one("NoVerifiedDomain", Critical, false, &["none is there yet"], domains(Vec::new()));
    let some = vec![domain("fabrikam.example", "Verified"), domain("contoso.example", "Expired")];
    one("DomainNotVerified", Warning, false, &[record, "Expired"], domains(some));
    one("DomainsNotChecked", Critical, true, &[], found(json!({}), |seen| seen.domains = None));
}

#[test]
fn which_application_is_the_current_one() {
    let id = |spec_more: Value, told: Option<&str>| {
        let mut sso = clean().sso.unwrap();
        sso.client_id = told.map(ToOwned::to_owned);
        current_app_id(&spec(spec_more), Some(&sso)).map_err(|finding| finding.reason)
    };
    let named = |id: &str| json!({"currentApplication": {"appId": id}});
    assert_eq!(id(json!({}), Some(CURRENT)), Ok(CURRENT.to_owned()));
    assert_eq!(id(named(&CURRENT.to_uppercase()), None), Ok(CURRENT.to_owned()));
    assert_eq!(id(named(&CURRENT.to_uppercase()), Some(CURRENT)), Ok(CURRENT.to_owned()));
    assert_eq!(id(named(TENANT), Some(CURRENT)), Err("CurrentApplicationDiffers".to_owned()));
    assert_eq!(id(json!({}), None), Err("CurrentApplicationUnknown".to_owned()));
}
