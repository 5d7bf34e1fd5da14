//! What the demo applies to the cluster, as files that a person can read while it runs.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::COMPANY;
use super::profile::Profile;
use crate::error::{Error, Result};
use crate::sandbox::Sandbox;

/// A custom group and the Entra group beside it.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    /// The name of their `GroupReplacement`.
    pub(super) name: String,
    /// The custom group's name.
    pub(super) custom: String,
    /// Its id.
    pub(super) custom_id: String,
    /// The Entra group's name.
    pub(super) entra: String,
    /// Its id.
    pub(super) entra_id: String,
}

impl Pair {
    /// Every custom group of the tenant that has an Entra group beside it, told by the names: `ENTRA-` is how this
    /// tenant's administrators named them. That the members are equal is the operator's to find out.
    pub(super) fn all(world: &Value) -> Vec<Self> {
        let groups = world["groups"].as_array().map(Vec::as_slice).unwrap_or_default();
        let text = |group: &Value, field: &str| group[field].as_str().unwrap_or_default().to_owned();
        let pair = |custom: &Value| {
            let name = text(custom, "name");
            let entra = groups.iter().find(|one| one["kind"] == "synced" && one["name"] == format!("ENTRA-{name}"))?;
            Some(Self {
                name: object_name(&name),
                custom_id: text(custom, "id"),
                entra: text(entra, "name"),
                entra_id: text(entra, "id"),
                custom: name,
            })
        };
        groups.iter().filter(|group| group["kind"] == "custom").filter_map(pair).collect()
    }

    /// The `GroupReplacement`, as a person would write it.
    pub(super) fn manifest(&self) -> String {
        let Self { name, custom, entra, .. } = self;
        format!(
            "apiVersion: migration.devolutions.net/v1alpha1\nkind: GroupReplacement\nmetadata: {{name: {name}}}\nspec:\n  migrationRef: {{name: {COMPANY}}}\n  from: {{name: {}}}\n  to: {{displayName: {}}}\n",
            quoted(custom),
            quoted(entra),
        )
    }
}

/// A plan that waits, as a person approves it.
#[derive(Debug)]
pub(super) struct Approval<'a> {
    /// What is approved.
    pub(super) kind: &'a str,
    /// The gate.
    pub(super) gate: &'a str,
    /// Its name.
    pub(super) target: &'a str,
    /// Its uid.
    pub(super) uid: &'a str,
    /// The plan's hash.
    pub(super) plan: &'a str,
    /// In whose name.
    pub(super) approver: &'a str,
}

impl Approval<'_> {
    pub(super) fn manifest(&self) -> String {
        let Self { kind, gate, target, uid, plan, approver } = self;
        format!(
            "apiVersion: migration.devolutions.net/v1alpha1\nkind: PlanApproval\nmetadata: {{generateName: {target}-}}\nspec:\n  target: {{kind: {kind}, name: {target}, uid: {uid}}}\n  gate: {gate}\n  plan: {plan}\n  approver: {approver}\n"
        )
    }
}

/// The credentials, the authority to trust, and the connection that names both.
pub(super) fn connection(sandbox: &Sandbox) -> Result<String> {
    let authority = std::fs::read_to_string(sandbox.authority()).map_err(Error::file("read", sandbox.authority()))?;
    let export = |name| sandbox.export(name).map(quoted).unwrap_or_default();
    Ok(format!(
        "apiVersion: v1
kind: Secret
metadata:
  name: devolutions-cloud
  labels: {{migration.devolutions.net/connection: {COMPANY}}}
stringData:
  applicationKey: {}
  applicationSecret: {}
---
apiVersion: v1
kind: Secret
metadata:
  name: entra-id
  labels: {{migration.devolutions.net/connection: {COMPANY}}}
stringData:
  clientSecret: {}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: sandbox-ca}}
data:
  ca.crt: {}
---
apiVersion: migration.devolutions.net/v1alpha1
kind: TenantConnection
metadata: {{name: {COMPANY}}}
spec:
  devolutionsCloud:
    url: {}
    credentialsRef: {{name: devolutions-cloud}}
    caBundleRef: {{name: sandbox-ca, key: ca.crt}}
  entra:
    tenantId: {}
    clientId: {}
    credential: {{type: ClientSecret, clientSecret: {{secretRef: {{name: entra-id}}}}}}
    cloud: {{type: Custom, custom: {{authorityHost: {}, graphUrl: {}}}}}
    caBundleRef: {{name: sandbox-ca}}
  policy: {{gates: [Cutover, Replacement]}}
",
        export("DEVOLUTIONS_APPLICATION_KEY"),
        export("DEVOLUTIONS_APPLICATION_SECRET"),
        export("CLIENT_SECRET"),
        quoted(&authority),
        quoted(sandbox.devolutions_url()),
        export("TENANT_ID"),
        export("CLIENT_ID"),
        export("AUTHORITY_URL"),
        export("GRAPH_URL"),
    ))
}

/// The migration, as a person would write it: the Entra groups come along, whoever is assigned today too.
pub(super) fn migration(pairs: &[Pair]) -> String {
    let groups: Vec<String> =
        pairs.iter().map(|pair| format!("      - displayName: {}\n", quoted(&pair.entra))).collect();
    format!(
        "apiVersion: migration.devolutions.net/v1alpha1
kind: SsoMigration
metadata: {{name: {COMPANY}}}
spec:
  connectionRef: {{name: {COMPANY}}}
  mode: Plan
  assignments:
    groups:
{}",
        groups.concat()
    )
}

/// What a person decides of the users, whom the forecast names.
#[derive(Debug)]
pub(super) struct Decided<'a> {
    /// Who would be disabled.
    pub(super) disabled: Vec<&'a str>,
    /// Who would not be synced and should be.
    pub(super) missing: Vec<&'a str>,
    /// Who has two names, where it is known already that the one counts which fits nobody.
    pub(super) unmatched: Vec<&'a str>,
    /// Who comes across first.
    pub(super) canary: &'a str,
}

/// The migration as it is to be carried out: what the forecast found is decided, as a person would.
pub(super) fn migration_to_apply(pairs: &[Pair], decided: &Decided<'_>, profile: &Profile) -> String {
    let Decided { disabled, missing, unmatched, canary } = decided;
    let waiver = |user: &&str, why: &str| format!("      - {{user: {}, reason: {why}}}\n", quoted(user));
    let left = disabled.iter().map(|user| waiver(user, "has left the company"));
    let apart = missing.iter().map(|user| waiver(user, "signs in with a Devolutions Account"));
    let others = unmatched.iter().map(|user| waiver(user, "is invited by the new address later"));
    let waivers: String = left.chain(apart).chain(others).collect();
    let groups = if profile.groups_are_filled { "" } else { "    groups: NotRequired\n" };
    let waivers = if waivers.is_empty() { String::new() } else { format!("    waivers:\n{waivers}") };
    let verification = format!("{groups}{waivers}");
    let verification = if verification.is_empty() { String::new() } else { format!("  verification:\n{verification}") };
    format!(
        "{}  breakGlass: {{user: alice.admin@people.example}}
  # Somebody adds the new application to the policies; who has no Entra user has a Devolutions Account.
  acknowledgements: [ConditionalAccessNamesApplication, UsersNotFoundInEntra]
{verification}  provisioning: {{canary: {{user: {}}}}}
  approvals: [Cutover, Provisioning]
",
        migration(pairs).replace("mode: Plan", "mode: Apply"),
        quoted(canary)
    )
}

/// Lets `user` read these Secrets in full, and no other.
pub(super) fn plan_reader(name: &str, user: &str, secrets: &[&str]) -> String {
    format!(
        r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: {name}}}
rules:
  - apiGroups: [""]
    resources: [secrets]
    resourceNames: [{}]
    verbs: [get]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: {name}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: {name}}}
subjects:
  - {{apiGroup: rbac.authorization.k8s.io, kind: User, name: {user}}}
"#,
        secrets.join(", ")
    )
}

/// Somebody who may create approvals, and lacks the verb `approve`.
pub(super) fn author(user: &str) -> String {
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: author}}
rules:
  - apiGroups: [migration.devolutions.net]
    resources: [ssomigrations, groupreplacements, planapprovals]
    verbs: [get, list, watch, create]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: author}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: author}}
subjects:
  - {{apiGroup: rbac.authorization.k8s.io, kind: User, name: {user}}}
"
    )
}

/// Writes one of them into `folder`, readable by its owner only.
pub(super) fn write(folder: &Path, name: &str, documents: &[String]) -> Result<PathBuf> {
    std::fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
    let path = folder.join(name);
    crate::pki::write(&path, &documents.join("---\n"))?;
    Ok(path)
}

/// A name that Kubernetes takes: lower case letters, digits and hyphens.
fn object_name(group: &str) -> String {
    let mut name = String::new();
    for c in group.to_lowercase().chars() {
        if c.is_ascii_alphanumeric() {
            name.push(c);
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
    }
    name.trim_end_matches('-').to_owned()
}

/// A text in JSON's quotes, which are YAML's too.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
