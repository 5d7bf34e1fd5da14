//! How far a provisioning job is.

use k8s_openapi::jiff::Timestamp;

use crate::entra::JobStatus;

/// How far a job is that runs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Position {
    /// Its first cycle is under way, or yet to come.
    Running,
    /// It has brought everybody across whom it can, since it was started.
    Steady,
    /// Entra ID has slowed it down; why, in Microsoft's words, and when it is tried again.
    Quarantined(String, Option<Timestamp>),
}

/// How far a job is that was first seen to run at `started`, where somebody was last assigned at `assigned`. A cycle that
/// ended before the one, or began before the other, says nothing
/// (<https://learn.microsoft.com/entra/identity/app-provisioning/application-provisioning-configuration-api>).
#[must_use]
pub fn position(status: &JobStatus, started: Timestamp, assigned: Option<Timestamp>) -> Position {
    if let Some(quarantine) = &status.quarantine {
        let code = quarantine.error.as_ref().and_then(|error| error.code.clone());
        let words = [quarantine.reason.clone(), code].into_iter().flatten().collect::<Vec<_>>().join(", ");
        return Position::Quarantined(words, quarantine.next_attempt);
    }
    let is_done = |state: &str| ["Succeeded", "EntryLevelErrors"].iter().any(|it| it.eq_ignore_ascii_case(state));
    let has_ended = status.last_execution.as_ref().is_some_and(|last| {
        let covers = |assigned| last.time_began.or(last.time_ended).is_some_and(|began| began > assigned);
        is_done(&last.state) && last.time_ended.is_some_and(|ended| ended > started) && assigned.is_none_or(covers)
    });
    let is_active = status.code.eq_ignore_ascii_case("Active");
    let is_steady = is_active && has_ended && status.steady_state_first_achieved_time.is_some();
    if is_steady { Position::Steady } else { Position::Running }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(value: serde_json::Value) -> JobStatus {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_job_is_steady_only_after_a_cycle_that_ended_since_it_was_started() {
        let since: Timestamp = "2026-11-02T10:00:00Z".parse().unwrap();
        let of = |code: &str, state: &str, ended: &str, steady: &str| {
            let last = serde_json::json!({"state": state, "timeBegan": "2026-11-02T09:58:00Z", "timeEnded": ended});
            status(serde_json::json!({
                "code": code, "lastExecution": last, "steadyStateFirstAchievedTime": steady,
            }))
        };
        let (after, before, never) = ("2026-11-02T10:05:00Z", "2026-11-02T09:59:59Z", "0001-01-01T00:00:00Z");
        for state in ["Succeeded", "EntryLevelErrors"] {
            let steady = of("Active", state, after, after);
            assert_eq!(position(&steady, since, None), Position::Steady, "{state}");
            let before: Timestamp = "2026-11-02T09:57:00Z".parse().unwrap();
            assert_eq!(position(&steady, since, Some(before)), Position::Steady, "{state}");
            assert_eq!(position(&steady, since, Some(since)), Position::Running, "it began before the assignment");
        }
        for running in [
            of("Active", "Succeeded", before, before),
            of("Active", "Succeeded", never, after),
            of("Active", "Succeeded", after, never),
            of("Active", "Failed", after, after),
            of("Active", "Unknown", after, after),
            of("Paused", "Succeeded", after, after),
            of("NotRun", "Succeeded", after, after),
            JobStatus::default(),
        ] {
            assert_eq!(position(&running, since, None), Position::Running, "{running:?}");
        }
    }

    #[test]
    fn a_quarantine_is_told_whatever_else_the_status_says() {
        let since: Timestamp = "2026-11-02T10:00:00Z".parse().unwrap();
        let after = "2026-11-02T10:05:00Z";
        let quarantined = status(serde_json::json!({
            "code": "Active",
            "lastExecution": {"state": "Succeeded", "timeEnded": after},
            "steadyStateFirstAchievedTime": after,
            "quarantine": {"reason": "EncounteredTooManyErrors", "error": {"code": "X"}, "nextAttempt": after},
        }));
        let words = "EncounteredTooManyErrors, X".to_owned();
        assert_eq!(position(&quarantined, since, None), Position::Quarantined(words, after.parse().ok()));
    }
}
