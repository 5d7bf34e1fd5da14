//! What is there is read as it is, to its end.

use std::collections::BTreeSet;

use operator::devolutions::{DevolutionsCloud as _, SsoProvider};
use operator::entra::{Entra as _, Member, SecretPolicy};
use serde_json::json;

use crate::stage::{APP, PAYROLL, Stage, nobody, strings};

#[tokio::test]
async fn applications_and_their_assignments_are_read() {
    let stage = Stage::new("applications").await;
    let graph = stage.as_operator();
    let permissions = graph.permissions().await.unwrap().unwrap();
    let reading = ["Application.Read.All", "GroupMember.Read.All", "Policy.Read.All", "User.Read.All"];
    assert!(permissions.is_superset(&strings(&reading)), "{permissions:?}");

    let application = graph.application(APP).await.unwrap().unwrap();
    assert_eq!((application.app_id.as_str(), application.display_name.as_deref()), (APP, Some("Devolutions Hub")));
    assert_eq!(application.web.redirect_uris[0], "https://sso.devolutions.example/callback/contoso");
    assert_eq!(graph.applications_named("Devolutions Hub").await.unwrap(), [application]);
    assert_eq!(graph.applications_named("O'Neil's' or displayName ne '").await.unwrap(), []);
    for unknown in [nobody().to_string().as_str(), "no GUID", "x') or (appId eq 'y"] {
        assert_eq!(graph.application(unknown).await.unwrap(), None);
        assert_eq!(graph.service_principal(unknown).await.unwrap(), None);
    }

    let principal = graph.service_principal(APP).await.unwrap().unwrap();
    assert!(principal.app_role_assignment_required && principal.account_enabled == Some(true));
    let mut assigned: Vec<(String, String)> = graph
        .assignments(&principal)
        .await
        .unwrap()
        .into_iter()
        .map(|one| (one.principal_type, one.principal_display_name.unwrap()))
        .collect();
    assigned.sort();
    let expected = [("Group", "Devolutions users"), ("User", "Carol Chen"), ("User", "Grace Green")];
    assert_eq!(assigned, expected.map(|(kind, name)| (kind.to_owned(), name.to_owned())));

    let metrics = stage.metrics.encode().unwrap();
    for line in [
        "outside_requests_total{system=\"EntraToken\",method=\"POST\",outcome=\"ok\"} 1\n",
        "outside_requests_total{system=\"MicrosoftGraph\",method=\"GET\",outcome=\"NotFound\"} 2\n",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    stage.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn groups_their_members_and_users_are_read() {
    let stage = Stage::new("groups").await;
    let graph = stage.as_operator();
    let found = graph.groups_named("Devolutions users").await.unwrap();
    let [group] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(graph.group(group.id).await.unwrap().as_ref(), Some(group));
    assert_eq!(group.security_enabled, Some(true));
    assert_eq!(graph.groups_named("Town hall").await.unwrap()[0].security_enabled, Some(false));
    assert_eq!(graph.group(nobody()).await.unwrap(), None);
    let (_, reason, message) = stage.told(graph.groups_named(&"x".repeat(121)).await);
    assert_eq!(reason, "NameTooLong", "{message}");

    let members = graph.members(group.id, "group \"Devolutions users\"").await.unwrap().unwrap();
    let users = members.iter().filter(|member| matches!(member, Member::User(_))).count();
    assert_eq!((users, members.len()), (6, 7));
    let [Member::Group(within)] = members[6..] else { panic!("{members:?}") };
    assert_eq!(graph.group(within).await.unwrap().unwrap().display_name.as_deref(), Some("Field engineers"));
    assert_eq!(graph.users_within(group.id, "the group").await.unwrap().unwrap().len(), 7);
    assert_eq!(graph.members(nobody(), "a group").await.unwrap(), None);
    assert_eq!(graph.users_within(nobody(), "a group").await.unwrap(), None);

    // Several requests: by two properties, of which one may take 15 values.
    let mut wanted: BTreeSet<String> = (0..40).map(|n| format!("o'brien+{n}@contoso.example")).collect();
    let known = ["dave@contoso.example", "dave.diaz@contoso.example", "FRANK@contoso.example", "grace@partner.example"];
    wanted.extend(strings(&known));
    wanted.insert(String::new());
    let mut users = graph.users_by_email(&wanted).await.unwrap();
    users.sort_by_key(|user| user.mail.clone());
    let told: Vec<_> = users.iter().map(|u| (u.mail.as_deref().unwrap(), u.account_enabled)).collect();
    let expected = [
        ("dave@contoso.example", Some(true)),
        ("frank@contoso.example", Some(false)),
        ("grace@partner.example", Some(true)),
    ];
    assert_eq!(told, expected);
    assert_eq!(users[0].user_principal_name.as_deref(), Some("dave.diaz@contoso.example"));
    assert_eq!(graph.users_by_email(&BTreeSet::new()).await.unwrap(), []);
    stage.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn policies_are_read_with_permissions_to_read_only() {
    let additions = [
        (
            "entra:",
            "  defaultAppManagementPolicy:
    isEnabled: true
    passwordCredentials:
      - {restrictionType: passwordLifetime, maxLifetime: P180D}
      - {restrictionType: customPasswordAddition}",
        ),
        (
            "      adminConsent: openid profile email User.Read",
            "      claimsMappingPolicies: [Employee ids, Everywhere]
      homeRealmDiscoveryPolicies: [Straight to the office]",
        ),
        ("      fromTemplate: true", "      claimsMappingPolicies: [Everywhere, Not ours]"),
    ];
    let stage = Stage::with("policies", &["--switches", "{policiesNeedApplicationWrite: true}"], &additions).await;
    let graph = stage.as_operator();
    let policies = graph.conditional_access().await.unwrap();
    let told: Vec<_> = policies.iter().map(|policy| policy.state.as_deref().unwrap()).collect();
    assert_eq!(told, ["enabled", "enabled", "enabledForReportingButNotEnforced", "disabled"]);
    let applications = |n: usize| policies[n].conditions.applications.clone().unwrap();
    assert_eq!(applications(0).include_applications, [APP]);
    assert_eq!(applications(1).include_applications, ["All"]);
    assert_eq!(applications(1).exclude_applications, [PAYROLL]);

    let allowed = SecretPolicy { forbidden: false, longest_life: Some("P180D".to_owned()) };
    assert_eq!(graph.secret_policy().await.unwrap(), allowed);
    for (app, names) in
        [(APP, &["Employee ids", "Everywhere", "Straight to the office"][..]), (PAYROLL, &["Everywhere", "Not ours"])]
    {
        let principal = graph.service_principal(app).await.unwrap().unwrap();
        assert_eq!(graph.policies_on(&principal).await.unwrap(), names);
    }
    stage.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn lists_are_read_to_their_end() {
    let many = |line: fn(usize) -> String| (0..1100).map(line).collect::<Vec<_>>().join("\n");
    let users = many(|n| format!("    - {{displayName: U{n}, userPrincipalName: u{n}@contoso.example}}"));
    let members = many(|n| format!("        - u{n}@contoso.example"));
    let group = format!("    - displayName: Everybody\n      members:\n{members}");
    let stage = Stage::with("pages", &[], &[("  users:", &users), ("  groups:", &group)]).await;
    let graph = stage.as_operator();
    let group = graph.groups_named("Everybody").await.unwrap()[0].id;
    assert_eq!(graph.members(group, "group \"Everybody\"").await.unwrap().unwrap().len(), 1100);
    assert_eq!(graph.users_within(group, "group \"Everybody\"").await.unwrap().unwrap().len(), 1100);
    assert_eq!(stage.answers("Graph").await.len(), 5);

    // Gone while the pages are turned.
    let gone = json!({"type": "Status", "status": 404});
    let second = json!({"system": "Graph", "path": "/v1.0/groups/*/members", "nth": 2, "action": gone});
    stage.sandbox.add_fault(&second).await.unwrap();
    assert_eq!(graph.members(group, "group \"Everybody\"").await.unwrap(), None);
    stage.sandbox.stop().await.unwrap();
}

#[tokio::test]
async fn devolutions_cloud_tells_how_people_sign_in_or_that_it_cannot() {
    let cannot = "{cannot: [getSsoConfiguration, listDomains, getSystemSettings]}";
    for (name, arguments) in [("sso", vec![]), ("no-sso", vec!["--switches", cannot])] {
        let stage = Stage::with(name, &arguments, &[]).await;
        let rest = stage.cloud();
        let (sso, domains) = (rest.sso().await.unwrap(), rest.domains().await.unwrap());
        let forced = rest.forces_sso().await.unwrap();
        if arguments.is_empty() {
            let sso = sso.unwrap();
            assert_eq!((sso.provider, sso.client_id.as_deref()), (SsoProvider::OpenId, Some(APP)));
            let domains = domains.unwrap();
            assert!(
                domains.len() == 1 && domains[0].is_verified() && domains[0].name == "contoso.example",
                "{domains:?}"
            );
            assert_eq!(forced, Some(false));
        } else {
            assert_eq!((sso, domains, forced), (None, None, None));
        }
        stage.sandbox.stop().await.unwrap();
    }
}
