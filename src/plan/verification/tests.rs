//! Each way that one user or group can come out.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::devolutions::GroupId;
use crate::plan::forecast::{Answer, Cause, Class};
use crate::plan::preflight::Principal;

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn user(n: u128, is_synced: Option<bool>) -> User {
    serde_json::from_value(json!({"id": id(n), "email": format!("u{n}@x"), "isSynced": is_synced})).unwrap()
}

/// User `n` is expected to come across as the Entra user `n`.
fn expected(n: u128) -> UserForecast {
    UserForecast {
        id: UserId(id(n)),
        label: format!("u{n}"),
        entra_users: vec![id(n)],
        today: Answer::Yes,
        after: Answer::Yes,
        synced: Answer::Yes,
        class: Class::Expected,
        disabled: false,
        in_scope: true,
        lets_another_in: false,
        not_found: false,
        waived: None,
    }
}

fn log(n: u128, status: &str, code: Option<&str>) -> BTreeMap<Uuid, ProvisioningEntry> {
    let error = code.map(|code| json!({"errorCode": code}));
    let info = json!({"status": status, "errorInformation": error});
    let entry = json!({"activityDateTime": "2026-11-02T10:00:00Z", "provisioningStatusInfo": info});
    BTreeMap::from([(id(n), serde_json::from_value(entry).unwrap())])
}

/// What became of user 1.
fn became(forecast: UserForecast, is_synced: Option<bool>, log: Option<BTreeMap<Uuid, ProvisioningEntry>>) -> Arrival {
    became_of(&Expectation::default(), &Waivers::default(), forecast, is_synced, log)
}

#[allow(clippy::needless_pass_by_value)] // Made in place, every time.
fn became_of(
    expectation: &Expectation,
    waivers: &Waivers,
    forecast: UserForecast,
    is_synced: Option<bool>,
    log: Option<BTreeMap<Uuid, ProvisioningEntry>>,
) -> Arrival {
    let (users, forecast) = ([user(1, is_synced)], [forecast]);
    let ground = Ground {
        users: &users,
        forecast: &forecast,
        expectation,
        waivers,
        log: log.as_ref(),
        groups: &[],
        assigned: &[],
    };
    verify(&ground).users.remove(0).arrival
}

/// Users 1 and 2 were expected before anything was done.
fn before() -> Expectation {
    let mut expectation = Expectation::default();
    expectation.expect(&[expected(1), expected(2)]);
    expectation
}

fn missing(why: Absence) -> Arrival {
    Arrival::Missing(why)
}

#[test]
fn a_user_who_should_be_synced_is_or_is_missing_for_one_cause() {
    let became = |is_synced, log| became(expected(1), is_synced, log);
    let failed = |word: &str| missing(Absence::Failed(word.to_owned()));
    let nothing = Some(BTreeMap::new());
    assert_eq!(became(Some(true), nothing.clone()), Arrival::Synced);
    assert_eq!(became(Some(true), None), Arrival::Synced);
    assert_eq!(became(Some(false), nothing.clone()), missing(Absence::NotReached));
    assert_eq!(became(Some(false), None), missing(Absence::Unknown));
    assert_eq!(became(Some(false), Some(log(1, "success", None))), missing(Absence::NotMatched));
    assert_eq!(became(Some(false), Some(log(1, "skipped", Some("RedundantExport")))), missing(Absence::NotMatched));
    assert_eq!(became(Some(false), Some(log(1, "skipped", Some("NotInScope")))), failed("NotInScope"));
    assert_eq!(became(Some(false), Some(log(1, "failure", Some("EntryConflict")))), failed("EntryConflict"));
    assert_eq!(became(Some(false), Some(log(1, "failure", Some("")))), failed("failure"));
    assert_eq!(became(Some(false), Some(log(2, "success", None))), missing(Absence::NotReached));
}

#[test]
fn one_that_was_flagged_before_and_fails_now_is_missing() {
    let why = missing(Absence::Failed("EntryConflict".to_owned()));
    assert_eq!(became(expected(1), Some(true), Some(log(1, "failure", Some("EntryConflict")))), why);
    assert_eq!(became(expected(1), None, Some(log(1, "failure", Some("EntryConflict")))), why);
    let uncovered = UserForecast { synced: Answer::No(Cause::NotAssigned), class: Class::Missing, ..expected(1) };
    assert_eq!(became(uncovered, Some(true), None), missing(Absence::NotCovered(Cause::NotAssigned)));
}

#[test]
fn where_the_server_cannot_tell_microsofts_word_is_taken_and_its_silence_is_not() {
    assert_eq!(became(expected(1), None, Some(log(1, "success", None))), Arrival::Synced);
    assert_eq!(became(expected(1), None, Some(log(1, "skipped", Some("RedundantExport")))), Arrival::Synced);
    assert_eq!(became(expected(1), None, Some(BTreeMap::new())), missing(Absence::NotReached));
    assert_eq!(became(expected(1), None, None), missing(Absence::Unknown));
    // Nor is it known as whom the server has taken one who has two names, unless it says so.
    let two_names = || UserForecast { synced: Answer::DependsOnMatching, ..expected(1) };
    assert_eq!(became(two_names(), None, Some(log(1, "success", None))), missing(Absence::Unproven));
    assert_eq!(became(two_names(), Some(true), Some(log(1, "success", None))), Arrival::Synced);
    assert_eq!(became(two_names(), Some(false), Some(log(1, "success", None))), missing(Absence::NotMatched));
    let before = Expectation { arrived: BTreeSet::from([UserId(id(1))]), ..Expectation::default() };
    let became = became_of(&before, &Waivers::default(), two_names(), None, Some(BTreeMap::new()));
    assert_eq!(became, missing(Absence::Unproven));
    // Nor once the names are the same: the server may keep whom it took it for.
    let before = Expectation { two_names: BTreeSet::from([UserId(id(1))]), ..Expectation::default() };
    let of = |is_synced| became_of(&before, &Waivers::default(), expected(1), is_synced, Some(log(1, "success", None)));
    assert_eq!(of(None), missing(Absence::Unproven));
    assert_eq!(of(Some(true)), Arrival::Synced);
}

#[test]
fn who_is_waived_is_expected_once_that_ends() {
    let out = |n, today, waived: Option<&str>| UserForecast {
        synced: Answer::No(Cause::NotAssigned),
        class: if waived.is_some() { Class::Waived } else { Class::NotApplicable },
        waived: waived.map(ToOwned::to_owned),
        today,
        ..expected(n)
    };
    let mut expectation = Expectation::default();
    let no = Answer::No(Cause::NotAssigned);
    expectation.expect(&[
        out(1, Answer::Yes, Some("until Friday")),
        out(2, no, Some("until Friday")),
        out(3, no, None),
    ]);
    assert_eq!(expectation.users.keys().copied().collect::<Vec<_>>(), [UserId(id(1))]);
    // Nobody can sign in by the old application any more, and the waiver is over.
    let became = became_of(&expectation, &Waivers::default(), out(1, no, None), Some(false), Some(BTreeMap::new()));
    assert_eq!(became, missing(Absence::NotCovered(Cause::NotAssigned)));
}

#[test]
fn who_need_not_come_is_never_missing() {
    for (class, arrival) in [(Class::Waived, Arrival::Waived), (Class::NotApplicable, Arrival::NotApplicable)] {
        let waived = (class == Class::Waived).then(|| "contractor".to_owned());
        let let_off = UserForecast { synced: Answer::No(Cause::NotAssigned), class, waived, ..expected(1) };
        assert_eq!(became(let_off, Some(false), Some(log(1, "failure", None))), arrival);
    }
}

#[test]
fn whoever_was_expected_stays_so_whatever_became_of_them() {
    let became = |cause, is_synced| {
        let out = UserForecast { synced: Answer::No(cause), class: Class::NotApplicable, ..expected(1) };
        became_of(&before(), &Waivers::default(), out, is_synced, Some(BTreeMap::new()))
    };
    assert_eq!(became(Cause::DisabledInDevolutionsCloud, Some(true)), missing(Absence::DisabledSince));
    assert_eq!(became(Cause::DisabledInEntra, Some(true)), missing(Absence::NotCovered(Cause::DisabledInEntra)));
    assert_eq!(became(Cause::NotAssigned, Some(false)), missing(Absence::NotCovered(Cause::NotAssigned)));
}

#[test]
fn a_user_who_is_gone_is_missing_until_that_is_waived() {
    let waivers = [crate::api::Waiver {
        user: Some("U1".to_owned()),
        email_domain: None,
        reason: "left".to_owned(),
        until: None,
    }];
    let now = k8s_openapi::jiff::Timestamp::UNIX_EPOCH;
    for (waivers, arrival) in [(&waivers[..], Arrival::Waived), (&[], missing(Absence::Gone))] {
        let ground = Ground {
            users: &[],
            forecast: &[],
            expectation: &before(),
            waivers: &Waivers::in_force(waivers, now),
            log: None,
            groups: &[],
            assigned: &[],
        };
        let verification = verify(&ground);
        let all: Vec<(&str, &Arrival)> = verification.users.iter().map(|one| (&*one.label, &one.arrival)).collect();
        assert_eq!(all, [("u1", &arrival), ("u2", &missing(Absence::Gone))]);
        assert!(!verification.is_everybody_there());
    }
}

#[test]
fn a_waiver_lets_off_whoever_does_not_come_and_nobody_who_does() {
    let waived = || UserForecast { waived: Some("contractor".to_owned()), ..expected(1) };
    assert_eq!(became(waived(), Some(false), Some(log(1, "failure", Some("EntryConflict")))), Arrival::Waived);
    assert_eq!(became(waived(), Some(false), None), Arrival::Waived);
    assert_eq!(became(waived(), Some(true), None), Arrival::Synced);
}

#[test]
fn what_the_log_has_forgotten_is_remembered_where_the_server_cannot_tell() {
    let mut expectation = before();
    let (users, forecast, waivers) = ([user(1, None)], [expected(1)], Waivers::default());
    let entry = log(1, "success", None);
    let ground = Ground {
        users: &users,
        forecast: &forecast,
        expectation: &before(),
        waivers: &waivers,
        log: Some(&entry),
        groups: &[],
        assigned: &[],
    };
    expectation.remember(&verify(&ground));
    let became = |is_synced, log| became_of(&expectation, &Waivers::default(), expected(1), is_synced, log);
    assert_eq!(became(None, Some(BTreeMap::new())), Arrival::Synced);
    assert_eq!(became(None, Some(log(1, "failure", None))), missing(Absence::Failed("failure".to_owned())));
    assert_eq!(became(Some(false), Some(BTreeMap::new())), missing(Absence::NotReached), "the server's word is better");
}

fn group(name: &str, external_id: Option<Uuid>, is_synced: Option<bool>, members: &[u128]) -> Group {
    Group {
        id: GroupId(id(90)),
        name: name.to_owned(),
        user_ids: members.iter().map(|n| UserId(id(*n))).collect(),
        is_synced,
        external_id: external_id.map(|id| id.to_string().to_uppercase()),
    }
}

/// What is not whole of the Entra group 50, `Staff`, in which users 1 and 2 are; user 2 is not synced.
fn not_whole(groups: &[Group]) -> Vec<IncompleteGroup> {
    let users = [user(1, Some(true)), user(2, Some(false))];
    let (forecast, expectation, waivers) = ([expected(1), expected(2)], Expectation::default(), Waivers::default());
    let assigned = [ExpectedGroup {
        group: Principal { id: id(50), kind: "Group".to_owned(), name: "Staff".to_owned() },
        members: BTreeSet::from([id(1), id(2), id(77)]),
    }];
    let ground = Ground {
        users: &users,
        forecast: &forecast,
        expectation: &expectation,
        waivers: &waivers,
        log: None,
        groups,
        assigned: &assigned,
    };
    verify(&ground).incomplete
}

#[test]
fn a_group_is_whole_once_every_synced_member_is_in_it() {
    let staff = Some(id(50));
    assert_eq!(not_whole(&[group("Staff", staff, None, &[1])]), [], "user 2 is missing anyway");
    assert_eq!(not_whole(&[group("Renamed", staff, None, &[1, 5])]), [], "the id tells it, not the name");
    let [lacking] = not_whole(&[group("Staff", staff, None, &[2])]).try_into().unwrap();
    assert_eq!(lacking.lack, Lack::Members(vec!["u1".to_owned()]));
}

#[test]
fn a_group_that_is_not_proven_to_be_the_one_is_not_taken_for_it() {
    let lack = |groups: &[Group]| not_whole(groups).pop().map(|group| group.lack);
    let synced = || group("Staff", None, Some(true), &[1]);
    assert_eq!(lack(&[]), Some(Lack::Group));
    assert_eq!(lack(&[group("Staff", None, Some(false), &[1])]), Some(Lack::Group), "a custom one of its name");
    assert_eq!(lack(&[group("Staff", Some(id(51)), Some(true), &[1])]), Some(Lack::Group), "another Entra group");
    assert_eq!(lack(&[group("Staff", None, None, &[1])]), Some(Lack::Proof));
    assert_eq!(lack(&[synced(), synced()]), Some(Lack::Proof), "which of them?");
    assert_eq!(lack(&[synced()]), None, "a synced one without an id, by its name");
}

fn arbitrary_log() -> impl Strategy<Value = Option<BTreeMap<Uuid, ProvisioningEntry>>> {
    let code = prop::option::of(prop::sample::select(vec!["RedundantExport", "EntryConflict", ""]));
    let status = prop::sample::select(vec!["success", "Success", "failure", "skipped", "warning", ""]);
    prop::option::of((1..3u128, status, code).prop_map(|(n, status, code)| log(n, status, code)))
}

proptest! {
    /// Nobody is called synced who is not covered, whom Devolutions Cloud does not call synced though it can tell,
    /// or with whom Entra ID failed last; and whoever should come and is not synced is missing.
    #[test]
    fn synced_is_never_said_too_early(
        is_synced in prop::option::of(any::<bool>()),
        log in arbitrary_log(),
        is_covered in any::<bool>(),
        has_one_name in any::<bool>(),
    ) {
        let mut forecast = expected(1);
        if !has_one_name {
            forecast.synced = Answer::DependsOnMatching;
        }
        if !is_covered {
            (forecast.synced, forecast.class) = (Answer::No(Cause::NotAssigned), Class::Missing);
        }
        let result = log.as_ref().and_then(|log| log.get(&id(1)));
        let status = result.and_then(|entry| entry.provisioning_status_info.as_ref()).map(|info| info.status.clone());
        let arrival = became(forecast, is_synced, log);
        if arrival == Arrival::Synced {
            prop_assert!(is_covered && is_synced != Some(false) && status.as_deref() != Some("failure"));
            prop_assert!(is_synced.is_some() || status.is_some(), "neither side has said so");
            prop_assert!(is_synced.is_some() || has_one_name, "it may have been taken for somebody else");
        } else {
            prop_assert!(matches!(arrival, Arrival::Missing(_)));
        }
    }
}

#[test]
fn where_the_server_is_silent_a_group_that_came_to_be_since_is_synced() {
    let at =
        |n: u128, external_id, is_synced| Group { id: GroupId(id(n)), ..group("Staff", external_id, is_synced, &[]) };
    let mut expectation = Expectation::default();
    let told = |expectation: &Expectation, group: Group| {
        let mut groups = [group];
        expectation.tell_synced(&mut groups);
        groups[0].is_provably_synced()
    };
    assert!(!told(&expectation, at(2, None, None)), "nobody has looked before");
    expectation.note_groups(&[at(1, None, None)]);
    expectation.note_groups(&[at(1, None, None), at(2, None, None)]);
    assert!(!told(&expectation, at(2, None, None)), "no Entra group of that name is brought across");
    expectation.name(&[Principal { id: id(50), kind: "Group".to_owned(), name: "Staff".to_owned() }]);
    assert!(told(&expectation, at(2, None, None)), "what is seen later is not from before");
    assert!(!told(&expectation, at(1, None, None)));
    assert!(!told(&expectation, at(2, None, Some(false))), "the server's word is better");
}
