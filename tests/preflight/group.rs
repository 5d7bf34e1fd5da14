//! The groups to be assigned.

use crate::stage::*;
use Severity::{Critical, Warning};
use operator::api::Severity;
use operator::devolutions::Group;
use operator::plan::preflight::{AssignedGroup, WantedGroup};
use serde_json::json;
use uuid::Uuid;

#[test]
fn the_groups_to_be_assigned() {
    let groups = |wanted: WantedGroup| found(json!({}), |seen| seen.wanted = vec![wanted]);
    let name = "Vault-Admins";
    assert_eq!(groups(wanted(name, vec![entra_group(1, name, true)])), []);
    one("GroupNotFound", Critical, false, &[name, "letter by letter"], groups(wanted(name, Vec::new())));
    let other_case = vec![entra_group(1, "vault-admins", true)];
    one("GroupNotFound", Critical, false, &["there is vault-admins"], groups(wanted(name, other_case)));
    let two = vec![entra_group(1, name, true), entra_group(2, name, true)];
    one(
        "AmbiguousName",
        Critical,
        false,
        &["fits 2 groups", &Uuid::from_u128(2).to_string()],
        groups(wanted(name, two)),
    );
    one("GroupNotSecurityEnabled", Critical, false, &[name], groups(wanted(name, vec![entra_group(1, name, false)])));
    one("NestedGroups", Warning, false, &["Staff"], about(AssignedGroup { nests: true, ..staff() }));
    one(
        "NobodyAssigned",
        Critical,
        false,
        &[],
        found(json!({"assignments": {"fromCurrentApplication": false}}), |_| {}),
    );
}

#[test]
fn a_custom_group_must_not_share_its_name_with_an_assigned_entra_group() {
    let clash = |name: &str| {
        let groups = vec![custom_group(name)];
        found(json!({}), |seen| {
            seen.wanted = vec![wanted("Vault-Admins", vec![entra_group(1, "Vault-Admins", true)])];
            seen.groups = groups;
        })
    };
    one("CustomGroupSharesName", Critical, true, &["Vault-Admins"], clash("vault-admins"));
    one("CustomGroupSharesName", Critical, true, &["Staff"], clash("Staff"));
    assert_eq!(clash("Others"), []);
    let synced = Group { is_synced: Some(true), ..custom_group("Staff") };
    assert_eq!(found(json!({}), |seen| seen.groups = vec![synced]), []);
    // What is not taken over is not assigned.
    let spec = json!({"assignments": {"fromCurrentApplication": false, "groups": [{"displayName": "Other"}]}});
    assert_eq!(
        found(spec, |seen| {
            seen.groups = vec![custom_group("Staff")];
            seen.wanted = vec![wanted("Other", vec![entra_group(1, "Other", true)])];
        }),
        []
    );
}
