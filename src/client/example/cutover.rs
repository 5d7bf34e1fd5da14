//! A migration that is carried out, with its plans.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use uuid::Uuid;

use super::{assignments, migration};
use crate::api::{Gate, SsoMigration};
use crate::devolutions::SsoClient;
use crate::plan::forecast::summary;
use crate::plan::migration::{MigrationPlan, Work};

/// The application (client) ids of the old application and of the new one.
const OLD: Uuid = Uuid::from_u128(0x0a);
const NEW: Uuid = Uuid::from_u128(0x0c);

fn client(id: Uuid) -> SsoClient {
    SsoClient {
        name: "Microsoft".to_owned(),
        client_id: id.to_string(),
        discovery_url: format!(
            "https://login.microsoftonline.com/{}/v2.0/.well-known/openid-configuration",
            Uuid::from_u128(0x7e)
        ),
    }
}

fn plan(work: Work) -> MigrationPlan {
    MigrationPlan {
        tenant: "https://contoso.devolutions.app".to_owned(),
        entra_tenant: Uuid::from_u128(0x7e).to_string(),
        work,
    }
}

fn redirect_uris() -> BTreeSet<String> {
    let uris = ["https://cloud.devolutions.com/api/external-callback", "https://encryption.contoso.example/callback"];
    uris.map(ToOwned::to_owned).into()
}

/// The plan to begin, for an application of this name, these findings accepted.
pub fn to_begin(name: &str, accepted: BTreeMap<String, String>) -> MigrationPlan {
    plan(Work::Start {
        current: (OLD.to_string(), "Devolutions Hub Business".to_owned()),
        name: name.to_owned(),
        existing: None,
        made: None,
        assignment_required: true,
        redirect_uris: redirect_uris(),
        assignments: assignments(),
        accepted,
    })
}

/// The plan to cut over: these findings are accepted, and these people lose the sign-in.
pub fn to_cut_over(accepted: BTreeMap<String, String>, losing: BTreeSet<String>) -> MigrationPlan {
    plan(Work::Cutover {
        from: client(OLD),
        to: client(NEW),
        window: None,
        attempt: 0,
        existing: None,
        assignment_required: true,
        redirect_uris: redirect_uris(),
        assignments: assignments(),
        forced: Some(false),
        way_back: true,
        returns_by_itself: true,
        accepted,
        losing,
        entitled: BTreeSet::new(),
    })
}

/// The plan to bring users across.
pub fn to_provision(disabled: BTreeSet<String>) -> MigrationPlan {
    plan(Work::Provisioning {
        application: (NEW.to_string(), "Devolutions Cloud".to_owned()),
        canary: Some(("carol@contoso.example".to_owned(), Uuid::from_u128(7))),
        assignments: assignments(),
        to_assign: Vec::new(),
        expected: 13,
        attempt: 0,
        disabled,
        gaining: BTreeSet::from(["erin@contoso.example".to_owned()]),
        accepted: BTreeMap::new(),
    })
}

/// The plan to go back.
pub fn to_go_back() -> MigrationPlan {
    plan(Work::Rollback { from: client(NEW), to: client(OLD), attempt: 0, accepted: BTreeMap::new() })
}

/// The plan to remove the way back.
pub fn to_retire(sign_ins: Option<usize>) -> MigrationPlan {
    plan(Work::Retirement {
        application: (OLD.to_string(), "Devolutions Hub".to_owned()),
        key_id: Uuid::from_u128(9),
        sign_ins,
        since: "2026-12-01T20:05:00Z".to_owned(),
        attempt: 0,
    })
}

/// A finding that somebody has accepted.
pub fn accepted() -> BTreeMap<String, String> {
    let said = "Conditional Access policies hold for the current application by its id and would not hold for the new one, so people would get in with less than today: MFA for the vaults. Have somebody add the new application to them as soon as it is there.";
    BTreeMap::from([("ConditionalAccessNamesApplication".to_owned(), said.to_owned())])
}

fn step(name: &str, state: &str, message: &str) -> Value {
    json!({"name": name, "state": state, "message": message})
}

/// A migration in mode `Apply` with these steps after those that come before the cut-over.
fn applied(status: Value, steps: &[Value]) -> SsoMigration {
    let before = [
        step(
            "Preflight",
            "Completed",
            "14 users will be able to sign in (15 can today, 1 would lose it, which is waived); 13 will be synced",
        ),
        step("Start", "Skipped", "No approval is required to begin."),
        step("Application", "Completed", "Made and set up, and both client secrets get tokens."),
        step("Assignments", "Completed", "17 assignments listed."),
    ];
    let finding = |(reason, message): (String, String)| json!({"reason": reason, "severity": "Critical", "message": message, "acknowledgement": "Given"});
    let findings: Vec<Value> = accepted().into_iter().map(finding).collect();
    let users: Vec<_> = super::users().into_iter().filter(|user| !user.loses()).collect();
    let mut all = json!({
        "mode": "Apply",
        "currentApplication": {
            "appId": OLD, "displayName": "Devolutions Hub Business", "assignmentRequired": true, "assignments": 5,
        },
        "application": {
            "appId": NEW, "displayName": "Devolutions Cloud", "assignments": 17,
            "clientSecret": {
                "secretName": "ssom-contoso-sign-in", "keyId": Uuid::from_u128(1), "expiresAt": "2028-11-24T10:00:00Z",
            },
        },
        "findings": findings,
        "forecast": summary(&users),
        "steps": before.iter().chain(steps).collect::<Vec<_>>(),
    });
    if let (Some(all), Value::Object(status)) = (all.as_object_mut(), status) {
        all.extend(status);
    }
    migration(&all)
}

/// The cut-over waits for approval.
pub fn waiting() -> SsoMigration {
    let plan = to_cut_over(accepted(), BTreeSet::from(["paul@gone.example".to_owned()]));
    let summary = format!("Waits for approval: it {}", plan.purpose());
    let how = "Whoever may approve looks at the plan and approves it with `operator approve ssom/contoso -n migration`, or with a PlanApproval for the gate Cutover that names its hash.";
    let status = json!({
        "reason": "AwaitingApproval",
        "message": format!("{summary}. {how}"),
        "summary": summary,
        "plans": [super::reference(Gate::Cutover, &plan)],
    });
    applied(status, &[step("Cutover", "Waiting", "Waits for a person.")])
}

/// People sign in by the new application.
pub fn done() -> SsoMigration {
    let told = "People sign in by the new application: 3 sign-ins by it so far, 1 failed. The old configuration can be brought back by mode Rollback. Its client secret expires at 2028-11-24T10:00:00Z: then nobody can sign in.";
    let status = json!({
        "reason": "CutOver",
        "message": told,
        "summary": "People sign in by the new application: 3 sign-ins by it so far, 1 failed",
        "cutover": {
            "savedAt": "2026-11-25T10:00:00Z", "evidence": "SignInSeen", "wayBack": true,
            "signIns": {"succeeded": 3, "failed": 1},
        },
    });
    applied(status, &[step("Cutover", "Completed", told)])
}

/// The operator has brought the old application back by itself.
pub fn returned() -> SsoMigration {
    let why = "2 sign-ins failed by the application's fault and none went well: AADSTS50011, the redirect URI is not the application's.";
    let told = format!(
        "People sign in by the old application again. {why} When the cause is mended, ask for another try with the annotation migration.devolutions.net/requestedAt; the cut-over is then approved anew."
    );
    let status = json!({
        "reason": "Returned",
        "message": told,
        "stalled": true,
        "summary": "People sign in by the old application again",
        "cutover": {
            "savedAt": "2026-11-25T10:00:00Z", "evidence": "CredentialsProven", "wayBack": true, "returned": why,
        },
    });
    applied(status, &[step("Cutover", "Failed", why), step("Rollback", "Completed", "Read back.")])
}
