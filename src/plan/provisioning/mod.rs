//! What is next on the way to a provisioning job that runs: enabled there, set up here, one user first, then everybody.

mod position;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

pub use position::{Position, position};

use super::Refusal;
use super::forecast::{Answer, UserForecast};
use crate::devolutions::{Provisioning, User};
use crate::entra::{Job, SavedProvisioning};

/// So far may the clocks of both sides be apart, and so long may an answer take.
const CLOCKS: SignedDuration = SignedDuration::from_mins(10);

/// What there is of it, and what we have done of it.
#[derive(Clone, Debug)]
pub struct Seen<'a> {
    /// Devolutions Cloud's side.
    pub provisioning: &'a Provisioning,
    /// What is saved of it in the application.
    pub settings: &'a SavedProvisioning,
    /// The job, where there is one.
    pub job: Option<&'a Job>,
    /// When the token that is kept here was made, by the server's word.
    pub kept_at: Option<Timestamp>,
    /// When tokens were asked for whose answers may have been lost.
    pub asked_at: &'a [Timestamp],
    /// What we saved in the application: the address, and when the token was made.
    pub saved: Option<(&'a str, Timestamp)>,
    /// When the canary had come across.
    pub canary_at: Option<Timestamp>,
    /// When the job was first seen to run.
    pub started_at: Option<Timestamp>,
}

/// The next thing to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Next {
    /// Enable provisioning in Devolutions Cloud, and keep its token.
    Enable,
    /// Make that token anew: it was told, and the answer was lost, so nobody has it.
    RenewToken,
    /// Make the job in Entra ID.
    MakeJob,
    /// Have Entra ID try the credentials, and save them.
    Save,
    /// Bring the canary across.
    Canary,
    /// Have the job run.
    Start,
    /// Activate synchronization in Devolutions Cloud.
    Activate,
}

impl Next {
    /// What is not seen yet once it was done, for people.
    #[must_use]
    pub fn effect(self) -> &'static str {
        match self {
            Self::Enable => "that provisioning is enabled",
            Self::RenewToken => "the new token",
            Self::MakeJob => "the job",
            Self::Save => "the saved address and settings",
            Self::Canary => "the canary",
            Self::Start => "that the job runs",
            Self::Activate => "that synchronization is activated",
        }
    }
}

/// What is next; none where all is set up and runs, whoever has set it up.
pub fn next(seen: &Seen<'_>) -> Result<Option<Next>, Refusal> {
    let Seen { provisioning, settings, saved, .. } = seen;
    let is_by_us = settings.tenant_url.as_deref() == saved.map(|(url, _)| url);
    if !provisioning.enabled {
        return match &settings.tenant_url {
            _ if seen.started_at.is_some() => Err(disabled()),
            // Nothing can lead here yet.
            Some(url) if !is_by_us => Err(used_elsewhere(url)),
            _ => Ok(Some(Next::Enable)),
        };
    }
    let here = provisioning.tenant_url.as_deref().unwrap_or_default();
    let is_here = settings.tenant_url.as_deref().is_some_and(|url| is_same(url, here));
    if let Some(url) = settings.tenant_url.as_deref().filter(|_| !is_here && (seen.started_at.is_some() || !is_by_us)) {
        return Err(used_elsewhere(url));
    }
    if seen.job.is_some_and(Job::is_started) {
        return match &settings.tenant_url {
            None => Err(used_elsewhere("an address that it does not show")),
            Some(_) if settings.covers_everybody || (is_by_us && !settings.keeps_out_of_scope) => Err(rescoped()),
            Some(_) => Ok((!provisioning.synchronization_active).then_some(Next::Activate)),
        };
    }
    if seen.started_at.is_some() {
        return Err(paused());
    }
    let used = provisioning.token_created_at;
    let is_kept = seen.kept_at.is_some_and(|kept| used.is_none_or(|used| is_same_second(used, kept)));
    if !is_kept {
        return if is_token_lost(seen) { Ok(Some(Next::RenewToken)) } else { Err(token_unknown()) };
    }
    if seen.job.is_none() {
        return Ok(Some(Next::MakeJob));
    }
    let is_of_kept = saved.is_some_and(|(_, token)| Some(token) == seen.kept_at);
    if !is_here || !is_of_kept || settings.covers_everybody || !settings.keeps_out_of_scope {
        return Ok(Some(Next::Save));
    }
    Ok(Some(if seen.canary_at.is_none() { Next::Canary } else { Next::Start }))
}

/// Whether the token that the server uses is ours and nobody has it: it was made when we asked for one, or it is the one
/// that we saved. Anybody else's is left alone.
fn is_token_lost(seen: &Seen<'_>) -> bool {
    let Some(used) = seen.provisioning.token_created_at else { return !seen.asked_at.is_empty() };
    let near = |asked: &Timestamp| used.duration_since(*asked).abs() <= CLOCKS;
    seen.asked_at.iter().any(near) || seen.saved.is_some_and(|(_, saved)| is_same_second(saved, used))
}

/// A server may tell fractions of a second in one place and not in another.
fn is_same_second(a: Timestamp, b: Timestamp) -> bool {
    a.as_second() == b.as_second()
}

/// Administrators add a query that changes how Entra ID speaks
/// (<https://learn.microsoft.com/entra/identity/app-provisioning/application-provisioning-config-problem-scim-compatibility>),
/// and a slash at the end means nothing.
fn is_same(a: &str, b: &str) -> bool {
    let bare = |url: &str| url.split('?').next().unwrap_or_default().trim_end_matches('/').to_lowercase();
    bare(a) == bare(b)
}

/// The canary's object id in Entra ID, or why it cannot be the one.
pub fn canary(email: &str, users: &[User], forecast: &[UserForecast]) -> Result<Uuid, Refusal> {
    let unusable = |why: &str| {
        let advice = "Name a user in spec.provisioning.canary who is assigned to the new application, is enabled on both sides and has the same address there";
        Refusal::new("CanaryUnusable", format!("{email} cannot be brought across first: {why}. {advice}."))
    };
    let address = email.trim().to_lowercase();
    let user = users.iter().find(|user| user.address() == address);
    let forecast = user.and_then(|user| forecast.iter().find(|forecast| forecast.id == user.id));
    let (Some(user), Some(forecast)) = (user, forecast) else {
        return Err(unusable("Devolutions Cloud has no user of that e-mail address"));
    };
    if user.is_pending() {
        return Err(unusable("was invited and has not joined yet"));
    }
    match (forecast.synced, forecast.entra_users.as_slice()) {
        (Answer::No(cause), _) => Err(unusable(cause.meaning())),
        (Answer::DependsOnMatching, _) if user.is_synced.is_none() => Err(unusable(
            "its user principal name and its mail address in Entra ID are not the same, and this server does not tell whom it has taken it for",
        )),
        (_, [id]) => Ok(*id),
        _ => Err(unusable("more than one Entra user has that address")),
    }
}

fn disabled() -> Refusal {
    Refusal::new(
        "ProvisioningDeleted",
        "Somebody has deleted provisioning in Devolutions Cloud since it ran, so nobody is brought across any more. It is not enabled again unasked: enable it in Administration - Authentication - Provisioning, and save its address and token in the enterprise application, where the job goes on.",
    )
}

fn token_unknown() -> Refusal {
    Refusal::new(
        "ProvisioningTokenUnknown",
        "Provisioning is enabled in Devolutions Cloud with a token that is not kept here: somebody else enabled it or made its token anew. Making it anew could cut off whoever uses it, so that is not done. If it is meant for the new application, save its address and token there and start provisioning by hand; it is then followed from there. If nothing uses it, delete it in Administration - Authentication - Provisioning; it is then enabled afresh.",
    )
}

fn used_elsewhere(url: &str) -> Refusal {
    Refusal::new(
        "ProvisioningElsewhere",
        format!(
            "The new application brings users to {url}, which is not the address of this tenant. That is not overwritten. Put the address of Administration - Authentication - Provisioning back there, clear its provisioning in Entra ID, or use another application."
        ),
    )
}

fn rescoped() -> Refusal {
    Refusal::new(
        "ProvisioningScopeChanged",
        "The provisioning job runs with other settings than were approved: it covers all users and groups, or disables whoever is assigned no longer. Set its scope to assigned users and groups, and SkipOutOfScopeDeletions to True, or pause it.",
    )
}

fn paused() -> Refusal {
    Refusal::new(
        "ProvisioningPaused",
        "The provisioning job ran and does not any more: somebody has paused or deleted it, or Entra ID has given it up, which it does after four weeks of quarantine. It is not started again unasked: start provisioning in the enterprise application to go on.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entra::JobSchedule;

    const THEN: Option<Timestamp> = Some(Timestamp::UNIX_EPOCH);
    const URL: &str = "https://x/scim";

    fn job(state: &str) -> Job {
        Job { id: "scim.1".to_owned(), schedule: Some(JobSchedule { state: state.to_owned() }), status: None }
    }

    fn cloud(enabled: bool, is_active: bool) -> Provisioning {
        let tenant_url = enabled.then(|| URL.to_owned());
        Provisioning { enabled, tenant_url, synchronization_active: is_active, ..Provisioning::default() }
    }

    fn settings(url: Option<&str>) -> SavedProvisioning {
        SavedProvisioning {
            tenant_url: url.map(ToOwned::to_owned),
            covers_everybody: false,
            keeps_out_of_scope: url.is_some(),
        }
    }

    /// Carries out what is next until nothing is, and tells what that was.
    #[test]
    fn from_nothing_it_is_enabled_made_tried_started_and_activated_in_this_order() {
        let (mut there, mut here, mut set) = (cloud(false, false), None::<Job>, settings(None));
        let (mut kept, mut saved, mut across, mut order) = (None, None, None, Vec::new());
        loop {
            let seen = Seen {
                provisioning: &there,
                settings: &set,
                job: here.as_ref(),
                kept_at: kept,
                asked_at: &[],
                saved,
                canary_at: across,
                started_at: None,
            };
            let Some(next) = next(&seen).unwrap() else { break };
            assert!(order.len() < 10, "{order:?}");
            order.push(next);
            match next {
                Next::Enable => (there, kept) = (cloud(true, false), THEN),
                Next::RenewToken => kept = THEN,
                Next::MakeJob => here = Some(job("Disabled")),
                Next::Save => (saved, set) = (THEN.map(|then| (URL, then)), settings(Some(URL))),
                Next::Canary => across = THEN,
                Next::Start => here = Some(job("Active")),
                Next::Activate => there = cloud(true, true),
            }
        }
        let all = [Next::Enable, Next::MakeJob, Next::Save, Next::Canary, Next::Start, Next::Activate];
        assert_eq!(order, all);
    }

    /// All of it is set up, and the job has not been started.
    fn ready<'a>(there: &'a Provisioning, set: &'a SavedProvisioning, job: &'a Job) -> Seen<'a> {
        Seen {
            provisioning: there,
            settings: set,
            job: Some(job),
            kept_at: THEN,
            asked_at: &[],
            saved: THEN.map(|then| (URL, then)),
            canary_at: THEN,
            started_at: None,
        }
    }

    fn reason(seen: &Seen<'_>) -> &'static str {
        next(seen).unwrap_err().reason
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn only_a_token_that_nobody_can_have_is_made_anew() {
        let (mut there, set, stopped) = (cloud(true, false), settings(None), job("Disabled"));
        there.token_created_at = Some(at(100_000));
        let lost = Seen { kept_at: None, saved: None, ..ready(&there, &set, &stopped) };
        assert_eq!(reason(&lost), "ProvisioningTokenUnknown");
        let asked = |seconds: &[i64]| {
            let times: Vec<Timestamp> = seconds.iter().map(|second| at(*second)).collect();
            next(&Seen { asked_at: &times, ..lost.clone() }).map_err(|refusal| refusal.reason)
        };
        assert_eq!(asked(&[99_990]), Ok(Some(Next::RenewToken)));
        assert_eq!(asked(&[99_990, 150_000]), Ok(Some(Next::RenewToken)), "the first of several requests");
        assert_eq!(asked(&[50_000]), Err("ProvisioningTokenUnknown"), "somebody made it long after we had asked");
        assert_eq!(asked(&[150_000]), Err("ProvisioningTokenUnknown"));
        let saved = |second| Seen { saved: Some((URL, at(second))), ..lost.clone() };
        assert_eq!(next(&saved(100_000)), Ok(Some(Next::RenewToken)), "ours, and its Secret is gone");
        assert_eq!(reason(&saved(99_000)), "ProvisioningTokenUnknown", "made anew since by somebody else");
        // Another token is kept than the one that is used.
        assert_eq!(reason(&Seen { kept_at: Some(at(99_000)), ..lost.clone() }), "ProvisioningTokenUnknown");
        let same = Timestamp::new(100_000, 5).unwrap();
        assert_eq!(next(&Seen { kept_at: Some(same), ..lost }), Ok(Some(Next::Save)), "the same but for a fraction");
    }

    #[test]
    fn what_somebody_else_did_is_never_undone() {
        let (there, set, stopped, runs) = (cloud(true, true), settings(Some(URL)), job("Paused"), job("Active"));
        let ran = Seen { started_at: THEN, ..ready(&there, &set, &stopped) };
        assert_eq!(reason(&ran), "ProvisioningPaused");
        assert_eq!(reason(&Seen { job: None, ..ran.clone() }), "ProvisioningPaused");
        assert_eq!(reason(&Seen { provisioning: &cloud(false, false), ..ran.clone() }), "ProvisioningDeleted");
        let elsewhere = settings(Some("https://other/scim"));
        for job in [&runs, &stopped] {
            for started_at in [None, THEN] {
                let moved = Seen { settings: &elsewhere, job: Some(job), started_at, ..ran.clone() };
                assert_eq!(reason(&moved), "ProvisioningElsewhere");
            }
        }
        // What we had saved there of a tenant that was enabled afresh since may be replaced before the job runs.
        let ours = Seen { saved: THEN.map(|then| ("https://other/scim", then)), ..ready(&there, &elsewhere, &stopped) };
        assert_eq!(next(&ours), Ok(Some(Next::Save)));
        let query = settings(Some("https://X/scim/?aadOptscim062020"));
        assert_eq!(next(&Seen { settings: &query, job: Some(&runs), ..ran }), Ok(None));
    }

    #[test]
    fn a_job_runs_only_with_the_settings_that_were_approved() {
        let (there, stopped, runs) = (cloud(true, true), job("Disabled"), job("Active"));
        for (covers_everybody, keeps_out_of_scope) in [(true, true), (false, false), (true, false)] {
            let set = SavedProvisioning { covers_everybody, keeps_out_of_scope, ..settings(Some(URL)) };
            assert_eq!(next(&ready(&there, &set, &stopped)), Ok(Some(Next::Save)));
            assert_eq!(reason(&ready(&there, &set, &runs)), "ProvisioningScopeChanged");
        }
    }

    #[test]
    fn what_a_person_has_set_up_is_followed_without_its_token() {
        let (there, runs) = (cloud(true, false), job("Active"));
        let set = SavedProvisioning { keeps_out_of_scope: false, ..settings(Some(URL)) };
        let theirs = Seen { kept_at: None, saved: None, canary_at: None, ..ready(&there, &set, &runs) };
        assert_eq!(next(&theirs), Ok(Some(Next::Activate)));
        let everybody = SavedProvisioning { covers_everybody: true, ..set.clone() };
        assert_eq!(reason(&Seen { settings: &everybody, ..theirs.clone() }), "ProvisioningScopeChanged");
        assert_eq!(next(&Seen { provisioning: &cloud(true, true), ..theirs }), Ok(None));
    }
}
