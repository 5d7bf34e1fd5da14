//! What an `SsoMigration` shows before anything is done: what was found, and what will become of the users.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a report is kept.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportReference {
    /// The Secret that holds it. It is personal data: handle it as such.
    pub secret_name: String,
    /// The digest of the report: one that was changed is not shown.
    pub digest: String,
}

/// Something that was found before anything is done.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What, in a word.
    pub reason: String,
    /// How grave.
    pub severity: Severity,
    /// What was found, on what, and what to do.
    pub message: String,
    /// Whether a person may accept it in `spec.acknowledgements`, and whether one did.
    pub acknowledgement: Acknowledgement,
}

/// How grave a finding is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Severity {
    /// The migration does not go on before this is resolved, or accepted where it can be.
    Critical,
    /// To be known. It does not hold anything up.
    Warning,
}

/// Whether a person may accept a finding, and whether one did.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum Acknowledgement {
    /// It must be resolved, or needs nothing.
    NotApplicable,
    /// It can be accepted and has not been.
    Possible,
    /// It was accepted.
    Given,
}

/// What the migration will mean for the users, in numbers. The report's Secret has each of them.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ForecastSummary {
    /// All users of Devolutions Cloud, application identities included.
    pub users: u32,
    /// Who can sign in by single sign-on.
    pub sign_in: SignInForecast,
    /// Who will be flagged as synced.
    pub synchronization: SynchronizationForecast,
    /// Each "no" with its cause, the most frequent first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<CauseCount>,
}

/// Who can sign in by single sign-on.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SignInForecast {
    /// How many can now, or could once they have joined.
    pub today: u32,
    /// How many will be able to.
    pub after: u32,
    /// How many can now and will not be able to, and nobody has said that this is well.
    pub lost: u32,
    /// How many can now and will not be able to, which was waived.
    pub waived: u32,
    /// How many cannot now and will be able to.
    pub gained: u32,
    /// How many of `after` depend on by what Devolutions Cloud matches users, which no public source tells.
    pub depends_on_matching: u32,
    /// How many of `after` were invited and have not joined yet: they can once they have.
    #[serde(default)]
    pub once_joined: u32,
}

/// Who will be flagged as synced.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SynchronizationForecast {
    /// How many will be.
    pub synced: u32,
    /// How many should be and will not.
    pub missing: u32,
    /// How many need not be: they can never come from Entra ID, or cannot sign in today either.
    pub not_applicable: u32,
    /// How many were waived.
    pub waived: u32,
    /// How many provisioning would disable.
    pub disabled: u32,
}

/// How many users share a cause.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CauseCount {
    /// Which question is answered with no.
    pub question: Question,
    /// Why.
    pub cause: String,
    /// How many.
    pub count: u32,
    /// At most twenty of them.
    pub users: Vec<String>,
    /// What helps.
    pub remedy: String,
}

/// What a forecast answers for each user.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Question {
    /// Will they be able to sign in?
    SignIn,
    /// Will they be flagged as synced?
    Synchronization,
}
