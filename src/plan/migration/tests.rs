//! What changes a hash, and what does not.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;

use super::*;

fn client(id: &str) -> SsoClient {
    SsoClient { name: "Microsoft".to_owned(), client_id: id.to_owned(), discovery_url: "https://x.example".to_owned() }
}

fn plan(work: Work) -> MigrationPlan {
    MigrationPlan { tenant: "https://contoso.devolutions.app".to_owned(), entra_tenant: "t".to_owned(), work }
}

fn who(name: &str, id: u128) -> Principal {
    Principal { kind: "Group".to_owned(), name: name.to_owned(), id: Uuid::from_u128(id) }
}

fn cutover() -> Work {
    Work::Cutover {
        from: client("old"),
        to: client("new"),
        window: Some(Window { not_before: Some(Time(Timestamp::UNIX_EPOCH)), not_after: None }),
        attempt: 0,
        existing: None,
        assignment_required: true,
        redirect_uris: BTreeSet::from(["https://a.example".to_owned()]),
        assignments: vec![who("Sales", 1)],
        forced: Some(false),
        way_back: true,
        returns_by_itself: true,
        accepted: BTreeMap::from([("NoWayBack".to_owned(), "said".to_owned())]),
        losing: BTreeSet::new(),
        entitled: BTreeSet::from([Uuid::from_u128(7)]),
    }
}

/// The plan with another value in a field of its work.
fn with(base: &MigrationPlan, field: &str, value: serde_json::Value) -> MigrationPlan {
    let mut changed = serde_json::to_value(base).unwrap();
    *changed["work"].pointer_mut(field).unwrap() = value;
    serde_json::from_value(changed).unwrap()
}

/// Each of these changes the hash, and to another one. Gives all there were.
fn each_changes(base: &MigrationPlan, cases: Vec<(&str, serde_json::Value)>) -> BTreeSet<String> {
    let mut hashes = BTreeSet::from([base.hash().to_string()]);
    for (field, value) in cases {
        assert!(hashes.insert(with(base, field, value).hash().to_string()), "a change of {field} went unnoticed");
    }
    hashes
}

#[test]
fn every_input_of_the_cut_over_changes_its_hash_and_a_new_name_does_not() {
    let base = plan(cutover());
    let with = |field: &str, value| with(&base, field, value);
    let mut hashes = each_changes(
        &base,
        vec![
            ("/from/clientId", json!("other")),
            ("/from/name", json!("Other")),
            ("/from/discoveryUrl", json!("https://y.example")),
            ("/to/clientId", json!("other")),
            ("/window", json!(null)),
            ("/window/notBefore", json!("2026-01-01T00:00:00Z")),
            ("/attempt", json!(1)),
            ("/existing", json!("other")),
            ("/assignmentRequired", json!(false)),
            ("/redirectUris", json!([])),
            ("/assignments", json!([])),
            ("/forced", json!(null)),
            ("/wayBack", json!(false)),
            ("/returnsByItself", json!(false)),
            ("/accepted", json!({"NoWayBack": "says more"})),
            ("/losing", json!(["grace@partner.example"])),
        ],
    );
    let renamed = with("/assignments/0/name", json!("Sales (EMEA)"));
    assert_eq!(renamed.hash(), base.hash());
    assert_ne!(renamed.digest(), base.digest());
    assert_eq!(with("/entitled", json!([])).hash(), base.hash(), "who gets in follows from who is assigned");
    let elsewhere = MigrationPlan { tenant: "https://other.devolutions.app".to_owned(), ..base.clone() };
    assert!(hashes.insert(elsewhere.hash().to_string()));
    let back = |attempt, accepted: &[&str]| {
        let accepted = accepted.iter().map(|reason| ((*reason).to_owned(), "said".to_owned())).collect();
        plan(Work::Rollback { from: client("new"), to: client("old"), attempt, accepted })
    };
    assert_ne!(back(0, &[]).hash(), back(1, &[]).hash());
    assert_ne!(back(0, &[]).hash(), back(0, &["ReplacementsDependOnIt"]).hash());
}

fn provisioning() -> Work {
    Work::Provisioning {
        application: ("new".to_owned(), "Devolutions Cloud".to_owned()),
        canary: Some(("carol@contoso.example".to_owned(), Uuid::from_u128(3))),
        assignments: vec![who("Sales", 1)],
        to_assign: Vec::new(),
        expected: 5,
        attempt: 0,
        disabled: BTreeSet::new(),
        gaining: BTreeSet::new(),
        accepted: BTreeMap::new(),
    }
}

#[test]
fn every_input_of_provisioning_changes_its_hash_and_a_count_does_not() {
    let base = plan(provisioning());
    let with = |field: &str, value| with(&base, field, value);
    each_changes(
        &base,
        vec![
            ("/application/0", json!("other")),
            ("/canary", json!(null)),
            ("/canary/1", json!(Uuid::from_u128(4))),
            ("/assignments", json!([])),
            ("/attempt", json!(1)),
            ("/disabled", json!(["frank@contoso.example"])),
            ("/accepted", json!({"CanaryNotSeen": "said"})),
        ],
    );
    assert_eq!(with("/expected", json!(6)).hash(), base.hash());
    // Who gains follows from who is assigned, and is over once they are: an approval must not end by that.
    assert_eq!(with("/gaining", json!(["erin@contoso.example"])).hash(), base.hash());
    // Where it runs already, nothing is promised that is not done.
    let mut more = provisioning();
    if let Work::Provisioning { canary, to_assign, .. } = &mut more {
        (*canary, *to_assign) = (None, vec![who("Support", 2)]);
    }
    let effects = plan(more).effects();
    assert_eq!(effects, ["Assign group \"Support\"", "Activate synchronization in Devolutions Cloud, unless it is"]);
}

#[test]
fn every_input_of_the_retirement_changes_its_hash() {
    let base = plan(Work::Retirement {
        application: ("old".to_owned(), "Devolutions Hub".to_owned()),
        key_id: Uuid::from_u128(1),
        sign_ins: Some(0),
        since: "then".to_owned(),
        attempt: 0,
    });
    each_changes(
        &base,
        vec![
            ("/application/0", json!("other")),
            ("/keyId", json!(Uuid::from_u128(2))),
            ("/signIns", json!(1)),
            ("/signIns", json!(null)),
            ("/since", json!("later")),
            ("/attempt", json!(1)),
        ],
    );
    // Whether it is used at all is what matters: the count grows while somebody reads the plan.
    assert_eq!(with(&base, "/signIns", json!(1)).hash(), with(&base, "/signIns", json!(2)).hash());
}

#[test]
fn a_plan_that_was_shown_stays_as_long_as_nobody_else_loses() {
    let losing = |names: &[&str]| {
        let mut work = cutover();
        if let Work::Cutover { losing, .. } = &mut work {
            *losing = names.iter().map(ToString::to_string).collect();
        }
        plan(work)
    };
    let shown = losing(&["grace", "heidi"]);
    assert_eq!(losing(&["grace"]).still(Some(shown.clone())).hash(), shown.hash());
    assert_ne!(losing(&["grace", "ivan"]).still(Some(shown.clone())).hash(), shown.hash());
    let mut other = losing(&["grace"]);
    "https://other.devolutions.app".clone_into(&mut other.tenant);
    assert_eq!(other.clone().still(Some(shown)), other, "everything else must be the same");
    assert_eq!(other.clone().still(None), other);
}

#[test]
fn a_renamed_group_makes_no_other_start_and_another_group_does() {
    let start = |name: &str, id: u128| {
        plan(Work::Start {
            current: ("old".to_owned(), "Devolutions Hub".to_owned()),
            name: "Devolutions Cloud".to_owned(),
            existing: None,
            made: None,
            assignment_required: true,
            redirect_uris: BTreeSet::new(),
            assignments: vec![who(name, id)],
            accepted: BTreeMap::new(),
        })
    };
    assert_eq!(start("Sales", 1).hash(), start("Sales (EMEA)", 1).hash());
    assert_ne!(start("Sales", 1).hash(), start("Sales", 2).hash());
    assert!(start("Sales", 1).effects().contains(&"Assign group \"Sales\"".to_owned()));
}

#[test]
fn an_application_that_was_made_meanwhile_is_told_and_makes_no_other_start() {
    let start = |made: Option<&str>| {
        plan(Work::Start {
            current: ("old".to_owned(), "Devolutions Hub".to_owned()),
            name: "Devolutions Cloud".to_owned(),
            existing: None,
            made: made.map(str::to_owned),
            assignment_required: true,
            redirect_uris: BTreeSet::new(),
            assignments: Vec::new(),
            accepted: BTreeMap::new(),
        })
    };
    assert_eq!(start(None).hash(), start(Some("new")).hash());
    assert!(start(None).effects()[0].starts_with("Make the application \"Devolutions Cloud\" from the template"));
    assert!(start(Some("new")).effects()[0].starts_with("Use the application \"Devolutions Cloud\" (new), which"));
}
