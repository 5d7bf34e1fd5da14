//! Every object that Graph answers with has the names and types that Microsoft's own metadata has.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::HashMap;

use jiff::{Span, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use support::entra::{Graph, HUB, MIGRATE, USER_ROLE, values};
use support::{contoso, world};
use uuid::Uuid;

const METADATA: &str = include_str!("metadata/v1.0.txt");

/// `type property:Type[]! …` and `enum name member …`, a line each.
struct Metadata {
    types: HashMap<&'static str, HashMap<&'static str, &'static str>>,
    enums: HashMap<&'static str, Vec<&'static str>>,
}

impl Metadata {
    fn read() -> Self {
        let (mut types, mut enums) = (HashMap::new(), HashMap::new());
        for line in METADATA.lines().filter(|it| !it.starts_with('#')) {
            let mut words = line.split(' ');
            match words.next().unwrap() {
                "enum" => {
                    enums.insert(words.next().unwrap(), words.collect());
                }
                name => {
                    types.insert(name, words.map(|it| it.split_once(':').unwrap()).collect());
                }
            }
        }
        Self { types, enums }
    }

    /// What is wrong with an object of a type.
    fn check(&self, name: &str, object: &Value, place: &str, wrong: &mut Vec<String>) {
        let properties = self.types.get(name).unwrap_or_else(|| panic!("{place}: add {name} to the metadata"));
        for (property, value) in object.as_object().unwrap_or_else(|| panic!("{place} is no object")) {
            if property.starts_with("@odata.") {
                continue;
            }
            let place = format!("{place}.{property}");
            match properties.get(property.as_str()) {
                Some(declared) => self.check_value(declared, value, &place, wrong),
                None => wrong.push(format!("{place} is not in the metadata")),
            }
        }
    }

    fn check_value(&self, declared: &str, value: &Value, place: &str, wrong: &mut Vec<String>) {
        let (name, is_nullable) = declared.strip_suffix('!').map_or((declared, true), |it| (it, false));
        if value.is_null() {
            if !is_nullable {
                wrong.push(format!("{place} is null"));
            }
            return;
        }
        if let Some(name) = name.strip_suffix("[]") {
            let items = value.as_array().unwrap_or_else(|| panic!("{place} is no list"));
            for item in items {
                self.check_value(&format!("{name}!"), item, place, wrong);
            }
            return;
        }
        let text = value.as_str();
        let is_right = match name {
            "String" | "Duration" | "Binary" => text.is_some(),
            "Boolean" => value.is_boolean(),
            "Int32" | "Int64" => value.is_i64(),
            "Guid" => text.is_some_and(|it| it.parse::<Uuid>().is_ok()),
            "DateTimeOffset" => text.is_some_and(|it| it.parse::<Timestamp>().is_ok()),
            other => match self.enums.get(other) {
                // Flags have commas between them.
                Some(members) => text.is_some_and(|it| it.split(", ").all(|it| members.contains(&it))),
                None => return self.check(other, value, place, wrong),
            },
        };
        let is_right = is_right && (name != "Duration" || text.is_some_and(|it| it.parse::<Span>().is_ok()));
        if !is_right {
            wrong.push(format!("{place}: {value} is no {name}"));
        }
    }
}

/// Checks what a path answers with; its objects are of that type, or tell their own.
async fn check(graph: &Graph, metadata: &Metadata, name: &str, path: &str) -> usize {
    let body = graph.get(path).await;
    let single = std::slice::from_ref(&body);
    let objects = body["value"].as_array().map_or(single, Vec::as_slice);
    let mut wrong = Vec::new();
    for object in objects {
        let own = object["@odata.type"].as_str().and_then(|it| it.strip_prefix("#microsoft.graph."));
        metadata.check(own.unwrap_or(name), object, path, &mut wrong);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    objects.len()
}

/// All properties of a type that the sandbox knows, for `$select`.
async fn everything(graph: &Graph, metadata: &Metadata, name: &str, path: &str) -> String {
    let mut known = Vec::new();
    for property in metadata.types[name].keys() {
        if graph.send(&format!("{path}?$select={property}")).await.status == 200 {
            known.push(*property);
        }
    }
    assert!(known.len() > metadata.types[name].len() * 2 / 3, "{name}: {known:?}");
    known.join(",")
}

const READERS: &[&str] =
    &["Directory.Read.All", "Policy.Read.All", "AuditLog.Read.All", "Organization.Read.All", "Domain.Read.All"];

#[tokio::test]
async fn every_answer_has_the_names_and_types_of_the_metadata() {
    let (world, metadata) = (contoso().await, Metadata::read());
    let graph = world.graph_as(READERS).await;
    let hub = format!("/servicePrincipals(appId='{HUB}')");
    let operator = format!("/servicePrincipals(appId='{}')", world.entra().client_id);
    let group = graph.all("/groups?$filter=displayName eq 'Devolutions users'", "id").await.remove(0);
    for (name, path, least) in [
        ("organization", "/organization", 1),
        ("domain", "/domains", 3),
        ("user", "/users", 10),
        ("group", "/groups", 8),
        ("application", "/applications", 3),
        ("servicePrincipal", "/servicePrincipals", 4),
        ("appRoleAssignment", &format!("{hub}/appRoleAssignedTo"), 3),
        ("appRoleAssignment", &format!("{operator}/appRoleAssignments"), 5),
        ("servicePrincipal", &hub, 1),
        ("", &format!("/groups/{group}/members"), 7),
        ("", &format!("/groups/{group}/transitiveMembers"), 8),
        ("conditionalAccessPolicy", "/identity/conditionalAccess/policies", 4),
        ("tenantAppManagementPolicy", "/policies/defaultAppManagementPolicy", 1),
        ("applicationTemplate", "/applicationTemplates", 1),
        ("applicationTemplate", "/applicationTemplates/8adf8e6e-67b2-4cf2-a259-e3dc5476c621", 1),
        ("oAuth2PermissionGrant", "/oauth2PermissionGrants", 1),
        ("signIn", "/auditLogs/signIns", 0),
    ] {
        let found = check(&graph, &metadata, name, path).await;
        assert!(found >= least, "{path}: {found}");
    }
    for (name, path) in [("user", "/users"), ("group", "/groups"), ("servicePrincipal", "/servicePrincipals")] {
        let select = everything(&graph, &metadata, name, path).await;
        check(&graph, &metadata, name, &format!("{path}?$select={select}")).await;
    }
}

#[tokio::test]
async fn what_is_written_has_them_in_every_answer() {
    let (world, metadata) = (contoso().await, Metadata::read());
    let graph = world.graph_as(&[MIGRATE, READERS].concat()).await;
    let made = graph.instantiate("New").await;
    let (application, principal) =
        (format!("/applications/{}", made.id), format!("/servicePrincipals/{}", made.principal));
    let change = json!({
        "web": {"redirectUris": ["https://x.example/cb"], "implicitGrantSettings": {"enableIdTokenIssuance": true}},
        "optionalClaims": {"idToken": [{"name": "email", "source": null, "essential": false, "additionalProperties": []}]},
        "api": {"requestedAccessTokenVersion": 2}, "info": {"supportUrl": "https://x.example"},
        "requiredResourceAccess": [{
            "resourceAppId": "00000003-0000-0000-c000-000000000000",
            "resourceAccess": [{"id": "64a6cdd6-aab1-4aaf-94b8-3cc8405e90d0", "type": "Scope"}],
        }],
    });
    graph.done(204, Method::PATCH, &application, change).await;
    let secret = graph.done(200, Method::POST, &format!("{application}/addPassword"), json!({})).await;
    let group = graph.all("/groups?$filter=displayName eq 'Devolutions users'", "id").await.remove(0);
    let body = json!({"principalId": group, "resourceId": made.principal, "appRoleId": USER_ROLE});
    let assigned = graph.done(201, Method::POST, &format!("{principal}/appRoleAssignedTo"), body).await;
    let resource = graph.get("/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')").await["id"].clone();
    let body =
        json!({"clientId": made.principal, "consentType": "AllPrincipals", "resourceId": resource, "scope": "x"});
    let grant = graph.done(201, Method::POST, "/oauth2PermissionGrants", body).await;
    let mut wrong = Vec::new();
    for (name, object) in [
        ("applicationServicePrincipal", &made.body),
        ("passwordCredential", &secret),
        ("appRoleAssignment", &assigned),
        ("oAuth2PermissionGrant", &grant),
    ] {
        metadata.check(name, object, name, &mut wrong);
    }
    world.sign_in("dave@contoso.example").await;
    world.sign_in("erin@contoso.example").await;
    for (name, path, least) in [
        ("application", application.as_str(), 1),
        ("servicePrincipal", &principal, 1),
        ("", &format!("{principal}/owners"), 1),
        ("oAuth2PermissionGrant", "/oauth2PermissionGrants", 2),
        ("signIn", "/auditLogs/signIns", 2),
    ] {
        assert!(check(&graph, &metadata, name, path).await >= least, "{path}");
    }
    graph.done(204, Method::DELETE, &application, Value::Null).await;
    for name in ["application", "servicePrincipal"] {
        assert_eq!(check(&graph, &metadata, name, &format!("/directory/deletedItems/microsoft.graph.{name}")).await, 1);
    }
    let restored =
        graph.done(200, Method::POST, &format!("/directory/deletedItems/{}/restore", made.id), json!({})).await;
    metadata.check("application", &restored, "restored", &mut wrong);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn provisioning_has_them_through_a_jobs_life() {
    let (world, metadata) = (contoso().await, Metadata::read());
    let setup = world.provisioning("").await;
    let (graph, job) = (&setup.graph, setup.job(""));
    let whole = async || check(graph, &metadata, "synchronizationJob", &job).await;
    whole().await;
    setup.act("/start").await;
    whole().await;
    world.assign(json!({"group": "Devolutions users"}), true).await;
    setup.scim.memory().refuses = Some(("bob@contoso.example".to_owned(), 500));
    world.cycle().await;
    whole().await;
    setup.scim.memory().is_revoked = true;
    world.cycle().await;
    assert_eq!(setup.status().await["code"], "Quarantine");
    whole().await;
    for (name, path, least) in [
        ("synchronizationJob", format!("{}/jobs", setup.path), 1),
        ("synchronizationTemplate", format!("{}/templates", setup.path), 1),
        ("synchronizationSecretKeyStringValuePair", format!("{}/secrets", setup.path), 3),
        ("synchronizationSchema", setup.job("/schema"), 1),
        ("synchronizationSchema", format!("{}/templates/scim/schema", setup.path), 1),
        ("provisioningObjectSummary", "/auditLogs/provisioning".to_owned(), 8),
    ] {
        assert!(check(graph, &metadata, name, &path).await >= least, "{path}");
    }
}

#[tokio::test]
async fn policies_on_applications_have_them_too() {
    let (world, metadata) = (world(POLICIES).await, Metadata::read());
    let graph = world.graph_as(READERS).await;
    let hub = "/servicePrincipals(appId='9c1e5a7d-4b1f-4c53-8f0a-2d7e6b9c1a01')";
    for (name, path) in [
        ("claimsMappingPolicy", format!("{hub}/claimsMappingPolicies")),
        ("homeRealmDiscoveryPolicy", format!("{hub}/homeRealmDiscoveryPolicies")),
        ("appManagementPolicy", format!("{hub}/appManagementPolicies")),
        ("claimsMappingPolicy", "/policies/claimsMappingPolicies".to_owned()),
        ("homeRealmDiscoveryPolicy", "/policies/homeRealmDiscoveryPolicies".to_owned()),
        ("appManagementPolicy", format!("/applications(appId='{HUB}')/appManagementPolicies")),
        ("tenantAppManagementPolicy", "/policies/defaultAppManagementPolicy".to_owned()),
        ("conditionalAccessPolicy", "/identity/conditionalAccess/policies".to_owned()),
        ("application", "/applications".to_owned()),
    ] {
        assert!(check(&graph, &metadata, name, &path).await > 0, "{path}");
    }
    let policy = graph.all("/policies/claimsMappingPolicies", "id").await.remove(0);
    let on = graph.get(&format!("/policies/claimsMappingPolicies/{policy}/appliesTo")).await;
    assert_eq!(values(&on, "appId"), [HUB]);
    let policy = graph.get("/policies/defaultAppManagementPolicy").await;
    let restriction = &policy["applicationRestrictions"]["passwordCredentials"][0];
    assert_eq!(
        (&restriction["restrictionType"], &restriction["maxLifetime"]),
        (&"passwordLifetime".into(), &"P90D".into())
    );
    let certain = graph.get("/identity/conditionalAccess/policies").await;
    assert_eq!(certain["value"][0]["conditions"]["applications"]["applicationFilter"]["mode"], "exclude");
}

const POLICIES: &str = "
organization: X
users: []
entra:
  domains: [{name: x.example}]
  users: []
  groups: []
  applications:
    - displayName: Hub
      appId: 9c1e5a7d-4b1f-4c53-8f0a-2d7e6b9c1a01
      fromTemplate: true
      claimsMappingPolicies: [Short names]
      homeRealmDiscoveryPolicies: [No detours]
      appManagementPolicies:
        - displayName: No secrets
          passwordCredentials: [{restrictionType: passwordAddition}]
  defaultAppManagementPolicy:
    isEnabled: true
    passwordCredentials:
      - restrictionType: passwordLifetime
        maxLifetime: P90D
        restrictForAppsCreatedAfterDateTime: 2019-01-01T00:00:00Z
  conditionalAccessPolicies:
    - displayName: Marked
      applicationFilter: {mode: exclude, rule: CustomSecurityAttribute.A_B -eq \"1\"}
";
