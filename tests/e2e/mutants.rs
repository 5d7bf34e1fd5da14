//! A check that has never caught anything proves nothing: each of these operators has one mistake
//! built in, and each must be caught by the check that bears its name.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex, PoisonError};

use serde_json::json;

use crate::stage::{Stage, complaint, condition, ready_reason, run};

/// A file, what stands in it exactly once, and what the mistake makes of it.
type Mistake = (&'static str, &'static str, &'static str);

const REVOKE_FIRST: &[Mistake] = &[(
    "src/controller/replacement/act.rs",
    "Phase::Grant => self.cloud.grant(&target, &effect.permission).await?,",
    "Phase::Grant => {
        self.cloud.revoke(&Target { group: self.plan.ground.giver.id, ..target }).await?;
        self.cloud.grant(&Target { etag: None, ..target }, &effect.permission).await?;
    }",
)];

const GRANT_ROOT_TO_LEAF: &[Mistake] = &[
    (
        "src/plan/replacement.rs",
        "grants.sort_by_key(|effect| std::cmp::Reverse(depth(effect)));",
        "grants.sort_by_key(depth);",
    ),
    // The operator proves each plan; this one does not.
    ("src/plan/neutrality.rs", "in steps.iter().enumerate()", "in steps.iter().enumerate().take(0)"),
];

const MATCH_BY_NAME: &[Mistake] = &[(
    "src/plan/group.rs",
    "several => Err(ambiguous(\"to\", name, several,",
    "[one, ..] => Ok(one),\n                several => Err(ambiguous(\"to\", name, several,",
)];

const NO_SECOND_MEMBERSHIP_CHECK: &[Mistake] = &[
    ("src/controller/replacement/world.rs", "run::same_members(plan, giver, taker)?;", ""),
    (
        "src/controller/replacement/act.rs",
        "(Some(giver), Some(taker)) => same_members(self.plan, &giver, &taker),",
        "(Some(_), Some(_)) => Ok(()),",
    ),
];

const NO_APPROVAL: &[Mistake] = &[(
    "src/controller/replacement/begin.rs",
    "self.object.spec.approval == ApprovalRequirement::Required",
    "self.object.spec.approval == ApprovalRequirement::NotRequired",
)];

const CUT_OVER_BEFORE_THE_ASSIGNMENTS: &[Mistake] = &[
    (
        "src/controller/migration/prepare.rs",
        "&& let Some(outcome) = self.assign(&made.principal, &intended.assignments).await? {",
        "&& let Some(outcome) = None::<Outcome> {",
    ),
    (
        "src/controller/migration/cutover.rs",
        "if self.lacks_any(&seen.principal, &intended.assignments).await? {",
        "if false {",
    ),
];

const INSTANTIATE_TWICE: &[Mistake] = &[
    (
        "src/controller/migration/application.rs",
        "let mut namesakes = sight.observed().namesakes.clone();",
        "let mut namesakes = sight.observed().namesakes[..0].to_vec();",
    ),
    ("src/controller/migration/application.rs", "if Timestamp::now() < until {", "if Timestamp::now() < asked_at {"),
];

const FORGET_WHO_WAS_EXPECTED: &[Mistake] = &[(
    "src/plan/verification/arrival.rs",
    "let was_expected = ground.expectation.users.contains_key(&forecast.id);",
    "let was_expected = false;",
)];

const NO_SECOND_LOOK: &[Mistake] =
    &[("src/controller/migration/cutover.rs", "for look in 0..LOOKS {", "for look in 0..LOOKS.min(0) {")];

#[test]
fn everybody_still_signs_in_and_cut_over_before_the_assignments_is_caught() {
    let program = build("early-cutover", CUT_OVER_BEFORE_THE_ASSIGNMENTS);
    let said = complaint(crate::cutover::everybody_still_can("early-cutover", Some(program)));
    assert!(said.contains("AADSTS50105"), "{said}");
}

#[test]
fn one_application_is_made_and_instantiate_twice_is_caught() {
    let program = build("instantiate-twice", INSTANTIATE_TWICE);
    let said = complaint(crate::cutover_crashes::an_answer_is_lost("instantiate-twice", Some(program)));
    assert!(said.contains("left: (2, "), "{said}");
}

#[test]
fn whoever_was_expected_is_missed_and_to_forget_them_is_caught() {
    let program = build("forget-expected", FORGET_WHO_WAS_EXPECTED);
    let said = complaint(crate::verification::whoever_was_expected("forget-expected", Some(program)));
    assert!(said.contains("erin@contoso.example is missing"), "{said}");
}

#[test]
fn late_replicas_are_waited_for_and_no_second_look_is_caught() {
    let program = build("no-second-look", NO_SECOND_LOOK);
    let said = complaint(crate::cutover_crashes::hears_late("no-second-look", Some(program)));
    assert!(said.contains("AADSTS"), "{said}");
}

#[test]
fn nobody_notices_and_revoke_first_is_caught() {
    run(nobody_notices("right-order", None));
    let program = build("revoke-first", REVOKE_FIRST);
    assert!(complaint(nobody_notices("revoke-first", Some(program))).contains("\"after\""));
}

#[test]
fn nested_permissions_keep_their_meaning_and_grant_root_to_leaf_is_caught() {
    let program = build("root-to-leaf", GRANT_ROOT_TO_LEAF);
    assert!(complaint(nobody_notices("root-to-leaf", Some(program))).contains("nearestPerPrincipal"));
}

#[test]
fn a_name_that_fits_two_groups_is_refused_and_match_by_name_is_caught() {
    run(ambiguous_name_is_refused("right-group", None));
    let program = build("match-by-name", MATCH_BY_NAME);
    assert!(complaint(ambiguous_name_is_refused("match-by-name", Some(program))).contains("AmbiguousName"));
}

#[test]
fn members_are_checked_again_and_no_second_check_is_caught() {
    run(members_are_checked_again("right-members", None));
    let program = build("no-second-check", NO_SECOND_MEMBERSHIP_CHECK);
    assert!(complaint(members_are_checked_again("no-second-check", Some(program))).contains("Bob Baker"));
}

#[test]
fn nothing_is_written_unapproved_and_no_approval_is_caught() {
    run(nothing_is_written_unapproved("right-word", None));
    let program = build("no-approval", NO_APPROVAL);
    assert!(complaint(nothing_is_written_unapproved("no-approval", Some(program))).contains("PUT"));
}

async fn stage(name: &str, mutant: Option<PathBuf>) -> Stage {
    match mutant {
        None => Stage::new(name).await,
        Some(program) => Stage::with_operator(name, program).await,
    }
}

async fn nobody_notices(name: &'static str, mutant: Option<PathBuf>) {
    let stage = stage(name, mutant).await;
    stage.replace_sysadmins(json!({"approval": "NotRequired"})).await;
    stage.until("sysadmins", "an end", |s| ready_reason(s) == "Replaced" || condition(s, "Stalled").is_some()).await;
    stage.assert_no_violation().await;
    stage.end().await;
}

async fn ambiguous_name_is_refused(name: &'static str, mutant: Option<PathBuf>) {
    let stage = stage(name, mutant).await;
    let (from, to) = (json!({"name": "Helpdesk"}), json!({"displayName": "Vault-Operators"}));
    stage.replace("helpdesk", from, to, json!({"mode": "Plan"})).await;
    let state =
        stage.until("helpdesk", "an end", |s| condition(s, "Stalled").is_some() || ready_reason(s) == "Planned").await;
    assert_eq!(ready_reason(&state), "AmbiguousName");
    stage.end().await;
}

async fn members_are_checked_again(name: &'static str, mutant: Option<PathBuf>) {
    let stage = stage(name, mutant).await;
    stage.replace_sysadmins(json!({"approval": "NotRequired", "soak": "24h"})).await;
    stage.until_reason("sysadmins", "Soaking").await;
    let members = ["adam@contoso.example", "carol@contoso.example", "frank@contoso.example"];
    stage.sandbox.sync("Vault-Admins", &members).await.unwrap();
    stage.patch("sysadmins", json!({"soak": "0s"})).await;
    stage.until("sysadmins", "an end", |s| ready_reason(s) == "Replaced" || condition(s, "Stalled").is_some()).await;
    stage.assert_no_violation().await;
    stage.end().await;
}

async fn nothing_is_written_unapproved(name: &'static str, mutant: Option<PathBuf>) {
    let stage = stage(name, mutant).await;
    stage.replace_sysadmins(json!({})).await;
    stage.until("sysadmins", "an end", |s| matches!(ready_reason(s), "AwaitingApproval" | "Replaced")).await;
    stage.assert_nothing_written().await;
    stage.end().await;
}

/// One at a time: they share a tree and Cargo's lock.
static BUILDING: LazyLock<Mutex<()>> = LazyLock::new(Mutex::default);

/// Builds an operator with these mistakes, from a copy of the sources, beside the right one.
fn build(name: &str, mistakes: &[Mistake]) -> PathBuf {
    let _one = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    let source = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tree = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mutants");
    for part in ["src", "charts", "sandbox", "tests/testbed", "tests/cluster"] {
        let _ = std::fs::remove_dir_all(tree.join(part));
        copy(&source.join(part), &tree.join(part));
    }
    std::fs::copy(source.join("Cargo.lock"), tree.join("Cargo.lock")).unwrap();
    // Under a name of its own: it must never be taken for the right one.
    let program = format!("mutant-{name}");
    let manifest = std::fs::read_to_string(source.join("Cargo.toml")).unwrap();
    let renamed = manifest.replace("[[bin]]\nname = \"operator\"", &format!("[[bin]]\nname = \"{program}\""));
    let renamed = renamed.replace("default-run = \"operator\"", "");
    std::fs::write(tree.join("Cargo.toml"), renamed).unwrap();
    for (file, right, wrong) in mistakes {
        let path = tree.join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches(right).count(), 1, "{file} no longer says `{right}`: mend the mutant {name}");
        std::fs::write(&path, text.replace(right, wrong)).unwrap();
    }
    // The dependencies are built already; only the operator itself is built anew.
    let programs = Path::new(env!("CARGO_BIN_EXE_operator")).parent().unwrap();
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--bin", &program, "--target-dir"])
        .arg(programs.parent().unwrap())
        .current_dir(&tree)
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    programs.join(program)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
